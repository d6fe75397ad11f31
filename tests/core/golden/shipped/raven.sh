#!/bin/bash -l
#SBATCH --constraint=gpu
#SBATCH --gres=gpu:a100:1
#SBATCH --cpus-per-task=18
#SBATCH --mem=125000
#SBATCH --time=4:00:00
#SBATCH --job-name=jlab-mcp-p-raven-e23bcf3205-00112233aabbccdd
#SBATCH --chdir=/data/p
#SBATCH --output=/home/me/.jlab-mcp/logs/k.log
#SBATCH --open-mode=append

cd -- /data/p || { echo 'jlab-mcp: cannot enter the project folder /data/p' >&2; exit 1; }
unset JUPYTER_TOKEN JUPYTER_TOKEN_FILE "${!JLAB_MCP_@}"

[ -x /data/p/.venv/bin/python ] || { echo 'jlab-mcp: cannot run /data/p/.venv/bin/python: it is not there' >&2; exit 1; }
export PATH=/data/p/.venv/bin:"$PATH"
exec /data/p/.venv/bin/python /home/me/.jlab-mcp/node/0123/jlab_mcp_node/launch.py \
    --connection-file=/home/me/.jlab-mcp/connections/k.connection.json \
    --root-dir=/data/p \
    --notebook-dir=/data/p/notebooks \
    --ip=0.0.0.0 \
    --port-min=18000 \
    --port-max=19000 \
    --profile=raven \
    --server-id=00112233aabbccdd \
    --job-id="$SLURM_JOB_ID" \
    --restarts="${SLURM_RESTART_COUNT:-0}"
