#!/bin/bash -l
#SBATCH --job-name=jlab-mcp-p-slurm-e40d5f596d-00112233aabbccdd
#SBATCH --chdir=/data/p
#SBATCH --output=/home/me/.jlab-mcp/logs/k.log
#SBATCH --open-mode=append

cd -- /data/p || { echo 'jlab-mcp: cannot enter the project folder /data/p' >&2; exit 1; }
unset JUPYTER_TOKEN JUPYTER_TOKEN_FILE "${!JLAB_MCP_@}"

type -P srun >/dev/null || { echo 'jlab-mcp: cannot run the container: there is no `srun` on PATH' >&2; exit 1; }
exec srun --nodes=1 --ntasks=1 ${SLURM_CPUS_PER_TASK:+--cpus-per-task="$SLURM_CPUS_PER_TASK"} --cpu-bind=none --export=ALL --container-image='nvcr.io#nvidia/pytorch:25.01-py3' --container-mounts=/data/p:/data/p,/home/me/.jlab-mcp:/home/me/.jlab-mcp --container-workdir=/data/p \
    python3 /home/me/.jlab-mcp/node/0123/jlab_mcp_node/launch.py \
    --connection-file=/home/me/.jlab-mcp/connections/k.connection.json \
    --root-dir=/data/p \
    --notebook-dir=/data/p/notebooks \
    --ip=0.0.0.0 \
    --port-min=18000 \
    --port-max=19000 \
    --profile=slurm \
    --server-id=00112233aabbccdd \
    --job-id="$SLURM_JOB_ID" \
    --restarts="${SLURM_RESTART_COUNT:-0}"
