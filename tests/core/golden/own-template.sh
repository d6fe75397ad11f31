#!/bin/bash
# Of slurm, at '/data/it'"'"'s "näive" $(touch pwned) `x` \ #% p'.
#SBATCH --account=a
#SBATCH --job-name=jlab-mcp-it-s-n-ive-touch-pwned-x-p-slurm-8f3eb64a41-00112233aabbccdd
#SBATCH --chdir="/data/it's \"näive\" $(touch pwned) `x` \\ #% p"
#SBATCH --output=/home/me/.jlab-mcp/logs/k.log
#SBATCH --open-mode=append
#SBATCH --wckey=slurm

source /etc/profile
cd -- '/data/it'"'"'s "näive" $(touch pwned) `x` \ #% p' || { echo 'jlab-mcp: cannot enter the project folder /data/it'"'"'s "näive" $(touch pwned) `x` \ #% p' >&2; exit 1; }
type module >/dev/null 2>&1 || { echo 'jlab-mcp: cannot load modules: there is no command `module` here' >&2; exit 1; }
jlab_mcp_load() {
    local before="${LOADEDMODULES-}"
    module load "$1" || return 1
    # Environment Modules 3 ends with 0 also where there is no such module.
    [[ "${MODULE_VERSION-}" != 3.* || "${LOADEDMODULES-}" != "$before" ]] ||
        [[ ":$before:" == *":$1"[:/]* ]]
}
jlab_mcp_load cuda || { echo 'jlab-mcp: cannot load the module cuda' >&2; exit 1; }
unset JUPYTER_TOKEN JUPYTER_TOKEN_FILE "${!JLAB_MCP_@}"
echo "started" > /home/me/.jlab-mcp/logs/k.log.started
[ -x /data/p/.venv/bin/python ] || { echo 'jlab-mcp: cannot run /data/p/.venv/bin/python: it is not there' >&2; exit 1; }
export PATH=/data/p/.venv/bin:"$PATH"
exec /data/p/.venv/bin/python /home/me/.jlab-mcp/node/0123/jlab_mcp_node/launch.py \
    --connection-file=/home/me/.jlab-mcp/connections/k.connection.json \
    '--root-dir=/data/it'"'"'s "näive" $(touch pwned) `x` \ #% p' \
    '--notebook-dir=/data/it'"'"'s "näive" $(touch pwned) `x` \ #% p/notebooks' \
    --ip=0.0.0.0 \
    --port-min=18000 \
    --port-max=19000 \
    --profile=slurm \
    --server-id=00112233aabbccdd \
    --job-id="$SLURM_JOB_ID" \
    --restarts="${SLURM_RESTART_COUNT:-0}"
