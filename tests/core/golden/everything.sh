#!/bin/bash -l
#SBATCH --partition=gpu,big
#SBATCH --account=proj_g
#SBATCH --qos=normal
#SBATCH --constraint="gpu&hbm80g"
#SBATCH --gres=gpumem:24g
#SBATCH --gpus=a100:2
#SBATCH --cpus-per-gpu=8
#SBATCH --mem-per-gpu=60G
#SBATCH --nodes=1-2
#SBATCH --ntasks=2
#SBATCH --time=1-12:00:00
#SBATCH --nodelist="n[1-4]"
#SBATCH --exclude=n5
#SBATCH --reservation=course
#SBATCH --clusters=alpha
#SBATCH --exclusive=user
#SBATCH --no-requeue
#SBATCH --signal=B:TERM@120
#SBATCH --mail-type=END,FAIL
#SBATCH --mail-user=me@example.org
#SBATCH --export=NONE
#SBATCH --get-user-env=10L
#SBATCH --licenses=matlab:1
#SBATCH --nice=100
#SBATCH --tmp=10G
#SBATCH --comment="say \"hi\" to \\ and $HOME"
#SBATCH --job-name=mine-p-slurm-e40d5f596d-00112233aabbccdd
#SBATCH --gpu_cmode=shared
#SBATCH --wckey="a b"
#SBATCH --contiguous
#SBATCH --chdir=/data/p
#SBATCH --output=/home/me/.jlab-mcp/logs/k.log
#SBATCH --open-mode=append

cd -- /data/p || { echo 'jlab-mcp: cannot enter the project folder /data/p' >&2; exit 1; }

# env.prologue
unset SLURM_EXPORT_ENV
module use /apps/modules

type module >/dev/null 2>&1 || { echo 'jlab-mcp: cannot load modules: there is no command `module` here' >&2; exit 1; }
module purge || { echo 'jlab-mcp: cannot unload the modules that are loaded at login' >&2; exit 1; }
jlab_mcp_load() {
    local before="${LOADEDMODULES-}"
    module load "$1" || return 1
    # Environment Modules 3 ends with 0 also where there is no such module.
    [[ "${MODULE_VERSION-}" != 3.* || "${LOADEDMODULES-}" != "$before" ]] ||
        [[ ":$before:" == *":$1"[:/]* ]]
}
jlab_mcp_load cuda/12.4 || { echo 'jlab-mcp: cannot load the module cuda/12.4' >&2; exit 1; }
jlab_mcp_load python || { echo 'jlab-mcp: cannot load the module python' >&2; exit 1; }
unset JUPYTER_TOKEN JUPYTER_TOKEN_FILE "${!JLAB_MCP_@}"
export NCCL_DEBUG=INFO || { echo 'jlab-mcp: cannot set the variable NCCL_DEBUG' >&2; exit 1; }
export HF_HOME='/scratch/it'"'"'s mine' || { echo 'jlab-mcp: cannot set the variable HF_HOME' >&2; exit 1; }
export NOTHING='' || { echo 'jlab-mcp: cannot set the variable NOTHING' >&2; exit 1; }
[ -f /apps/envs/lab/bin/activate ] || { echo 'jlab-mcp: cannot activate the virtual environment /apps/envs/lab: there is no bin/activate in it' >&2; exit 1; }
. /apps/envs/lab/bin/activate

[ -x /apps/envs/lab/bin/python ] || { echo 'jlab-mcp: cannot run /apps/envs/lab/bin/python: it is not there' >&2; exit 1; }
jlab_mcp_child=''
jlab_mcp_signal=''
jlab_mcp_pass_on() {
    jlab_mcp_signal=$1
    [ -z "$jlab_mcp_child" ] || kill -s "$1" "$jlab_mcp_child" 2>/dev/null || :
}
trap 'jlab_mcp_pass_on TERM' TERM
trap 'jlab_mcp_pass_on INT' INT
trap 'jlab_mcp_pass_on HUP' HUP
trap 'jlab_mcp_pass_on QUIT' QUIT
trap 'jlab_mcp_pass_on USR1' USR1
trap 'jlab_mcp_pass_on USR2' USR2
(
    trap - TERM INT HUP QUIT USR1 USR2
    exec /apps/envs/lab/bin/python /home/me/.jlab-mcp/node/0123/jlab_mcp_node/launch.py \
    --connection-file=/home/me/.jlab-mcp/connections/k.connection.json \
    --root-dir=/data/p \
    --notebook-dir=/data/p/notebooks \
    --interface=ib0 \
    --port-min=18000 \
    --port-max=19000 \
    --profile=slurm \
    --server-id=00112233aabbccdd \
    --job-id="$SLURM_JOB_ID" \
    --restarts="${SLURM_RESTART_COUNT:-0}"
) &
jlab_mcp_child=$!
[ -z "$jlab_mcp_signal" ] || jlab_mcp_pass_on "$jlab_mcp_signal"
jlab_mcp_status=127
while
    jlab_mcp_signal=''
    wait "$jlab_mcp_child"
    jlab_mcp_ended=$?
    # 127: an earlier `wait` has told how it ended.
    [ "$jlab_mcp_ended" -eq 127 ] || jlab_mcp_status=$jlab_mcp_ended
    [ -n "$jlab_mcp_signal" ]
do :; done
jlab_mcp_child=''
# env.epilogue
(
rm -rf /scratch/tmp-of-mine

)
exit "$jlab_mcp_status"
