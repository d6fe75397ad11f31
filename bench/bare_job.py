"""The floor of a start on a cluster: submit a bare JupyterLab, wait for its first 200, and cancel it.

Run on a login host: `bare_job.py NODE PORT COMMAND`; the seconds it took go to stdout.
"""

import http.client
import subprocess
import sys
import time

LIMIT = 180.0
"""Seconds after which it gives up, and cancels the job all the same."""

node, port, command = sys.argv[1], int(sys.argv[2]), sys.argv[3]
begun = time.perf_counter()
submitted = subprocess.run(
    ["sbatch", "--parsable", f"--nodelist={node}", "--mem=500M", "--time=10", "--output=/dev/null"],
    input=f"#!/bin/bash -l\nexec {command}\n",
    capture_output=True,
    text=True,
    check=True,
)
job = submitted.stdout.strip()
try:
    while True:
        connection = http.client.HTTPConnection(node, port, timeout=10)
        try:
            connection.request("GET", "/api")
            if connection.getresponse().status == http.HTTPStatus.OK:
                break
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        if time.perf_counter() - begun > LIMIT:
            raise SystemExit(f"job {job} does not answer at {node}:{port} after {LIMIT:.0f} s")
        time.sleep(0.005)
    sys.stdout.write(f"{time.perf_counter() - begun}\n")
finally:
    subprocess.run(["scancel", job], check=True)
