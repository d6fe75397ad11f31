#!/bin/bash -l
#SBATCH --job-name=jlab-mcp-p-slurm-45dedc119f
#SBATCH --chdir=/work/p
#SBATCH --output=/home/me/.jlab-mcp/logs/k.log

cd -- /work/p || { echo 'jlab-mcp: cannot enter the project folder /work/p' >&2; exit 1; }
unset JUPYTER_TOKEN JUPYTER_TOKEN_FILE

exec /work/p/.venv/bin/python /home/me/.jlab-mcp/node/0123/jlab_mcp_node/launch.py \
    --connection-file=/home/me/.jlab-mcp/connections/k.connection.json \
    --root-dir=/work/p \
    --notebook-dir=/work/p/notebooks \
    --ip=127.0.0.1 \
    --port-min=18000 \
    --port-max=19000 \
    --profile=slurm \
    --server-id=00112233aabbccdd \
    --job-id="$SLURM_JOB_ID"
