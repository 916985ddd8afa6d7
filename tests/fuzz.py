"""Schemathesis against a running server, with the committed OpenAPI: no 5xx, no undocumented status, no broken reply.

Run it with ``make fuzz``. It ends by itself within about a minute.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from conftest import ROOT, serving

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,allow_header_conformance"
)
SECONDS = 40


def main() -> int:
    """Start a server, let schemathesis loose on it, return its verdict."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "--log-calls", "off") as server:
        config = Path(folder) / "schemathesis.toml"
        config.write_text(f'[auth.openapi.api_key]\napi_key = "{server.key}"\n')
        program = str(Path(sys.executable).with_name("schemathesis"))
        options = ["--url", server.base, "--checks", CHECKS, "--max-time", str(SECONDS), "--seed", "20260101", "--no-color"]
        command = [program, "--config-file", str(config), "run", str(ROOT / "openapi" / "spi.json"), *options, *sys.argv[1:]]
        code = subprocess.run(command, cwd=folder, check=False).returncode
        if "Traceback" in (log := server.log.read_text()):
            print(log)
            code = 1
        return code


if __name__ == "__main__":
    sys.exit(main())
