"""The generated code is what the .proto files say."""

import shutil
import subprocess
import sys
from pathlib import Path

from blindsum_protos import v1

V1 = Path(v1.__file__).parent
GENERATE = V1.parents[1] / "generate.py"


def test_generating_again_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "blindsum_protos" / "v1"
    folder.mkdir(parents=True)
    for source in V1.glob("*.proto"):
        shutil.copy(source, folder)
    script = shutil.copy(GENERATE, tmp_path)

    subprocess.run([sys.executable, str(script)], check=True, cwd=tmp_path)

    made = {path.name: path.read_bytes() for path in folder.glob("*_pb2*")}
    committed = {path.name: path.read_bytes() for path in V1.glob("*_pb2*.py*")}
    assert len(made) > 2 * len(list(V1.glob("*.proto")))
    assert made == committed
