"""Write every file of known answers again: runs each generate_*.py of this folder.

Run `python tests/vectors/generate.py` (or `make vectors`). A test of each script's package holds
that the file which is there is the one that the script writes.
"""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    # Some scripts stand on tests/independent, from the root of the checkout.
    sys.path.insert(0, str(Path(__file__).parents[2]))
    for script in sorted(Path(__file__).parent.glob("generate_*.py")):
        runpy.run_path(str(script), run_name="__main__")
