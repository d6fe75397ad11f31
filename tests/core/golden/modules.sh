#!/bin/bash -l
#SBATCH --job-name=jlab-mcp-p-slurm-e40d5f596d
#SBATCH --partition=a,b
#SBATCH --chdir=/data/p
#SBATCH --output=/home/me/.jlab-mcp/logs/k.log

cd -- /data/p || { echo 'jlab-mcp: cannot enter the project folder /data/p' >&2; exit 1; }
module load cuda/12.4 || { echo 'jlab-mcp: cannot load the module cuda/12.4' >&2; exit 1; }
module load anaconda || { echo 'jlab-mcp: cannot load the module anaconda' >&2; exit 1; }
unset JUPYTER_TOKEN JUPYTER_TOKEN_FILE

exec /data/p/.venv/bin/python /home/me/.jlab-mcp/node/0123/jlab_mcp_node/launch.py \
    --connection-file=/home/me/.jlab-mcp/connections/k.connection.json \
    --root-dir=/data/p \
    --notebook-dir=/data/p/notebooks \
    --ip=0.0.0.0 \
    --port-min=18000 \
    --port-max=19000 \
    --profile=slurm \
    --server-id=00112233aabbccdd \
    --job-id="$SLURM_JOB_ID"
