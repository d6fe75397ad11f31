#!/bin/bash -l
#SBATCH --job-name=jlab-mcp-p-slurm-e40d5f596d-00112233aabbccdd
#SBATCH --chdir=/data/p
#SBATCH --output=/home/me/.jlab-mcp/logs/k.log
#SBATCH --open-mode=append

cd -- /data/p || { echo 'jlab-mcp: cannot enter the project folder /data/p' >&2; exit 1; }
unset JUPYTER_TOKEN JUPYTER_TOKEN_FILE "${!JLAB_MCP_@}"

jlab_mcp_runtime=$(type -P apptainer || type -P singularity) || { echo 'jlab-mcp: cannot run the container: neither `apptainer` nor `singularity` is on PATH' >&2; exit 1; }
[ -e /data/p/lab.sif ] || { echo 'jlab-mcp: cannot find the image /data/p/lab.sif' >&2; exit 1; }
exec "$jlab_mcp_runtime" exec --rocm --bind /data/p --bind /data/books --bind /home/me/.jlab-mcp --bind /scratch:/scratch:ro --bind "$HOME"/data /data/p/lab.sif \
    python3 /home/me/.jlab-mcp/node/0123/jlab_mcp_node/launch.py \
    --connection-file=/home/me/.jlab-mcp/connections/k.connection.json \
    --root-dir=/data/books \
    --notebook-dir=/data/books \
    --ip=0.0.0.0 \
    --port-min=18000 \
    --port-max=19000 \
    --profile=slurm \
    --server-id=00112233aabbccdd \
    --job-id="$SLURM_JOB_ID" \
    --restarts="${SLURM_RESTART_COUNT:-0}"
