"""Shared code of the tests of array jobs."""

import re

from private_cluster import wait_until


def job_after(cluster, folder, array, name):
    """Returns the id of the job `name` that the first task of `array` submits, from the array's logs in `folder`."""
    def job_id_in_logs():
        running = cluster.run("squeue", "--noheader", "--jobs", array, check=False).stdout
        for log in folder.glob(f"*-{array}_*.log"):
            if found := re.search(rf"job (\d+) \({name}\)", log.read_text()):
                return found.group(1)
        assert running, f"{array} ended without {name}\n{logs_of(folder)}"
        return None
    return wait_until(job_id_in_logs, 60, f"{name} to be submitted")


def logs_of(folder):
    return "\n".join(f"--- {log.name}\n{log.read_text()}" for log in sorted(folder.glob("*.log")))
