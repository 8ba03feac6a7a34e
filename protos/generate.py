"""Generate the wire code beside the .proto files: run by `make protos`, compared by CI."""

import sys
from pathlib import Path

import grpc_tools  # type: ignore[import-untyped]
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent


def main() -> int:
    """Run protoc over every .proto file, the service's with its gRPC half; 0 when it succeeded."""
    sources = sorted(str(path) for path in (ROOT / "blindsum_protos" / "v1").glob("*.proto"))
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    paths = [f"-I{ROOT}", f"-I{well_known}"]
    outputs = [f"--python_out={ROOT}", f"--pyi_out={ROOT}"]
    service = str(ROOT / "blindsum_protos" / "v1" / "aggregator.proto")
    messages_failed = protoc.main(["protoc", *paths, *outputs, *sources])
    service_failed = protoc.main(["protoc", *paths, f"--grpc_python_out={ROOT}", service])
    return int(messages_failed or service_failed)


if __name__ == "__main__":
    sys.exit(main())
