"""What `import mineral` costs beside `import torch`, in seconds of processor time.

    make bench

The least of several fresh processes: another program may be using the machine.
"""

import json
import subprocess
import sys

RUNS = 5
MEASURE = """
import gc, json, time
gc.disable()
start = time.process_time()
import torch
between = time.process_time()
import mineral
print(json.dumps([between - start, time.process_time() - between]))
"""


def main() -> None:
    """Print one line."""
    command = [sys.executable, "-c", MEASURE]
    runs = [json.loads(subprocess.check_output(command)) for _ in range(RUNS)]
    torch, ours = map(min, zip(*runs, strict=True))
    print(f"import torch {torch:.2f} s, then import mineral {ours:.2f} s: {ours / torch:.0%}")


if __name__ == "__main__":
    main()
