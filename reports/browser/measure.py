#!/usr/bin/env python3
"""How long a page of three targets takes to open in a headless Chromium, and how large it is.

Usage: reports/browser/measure.py BIN. Prints one JSON object: seconds from the start of the navigation until the page is
complete and can be used (median of five), and megabytes.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import check  # noqa: E402
import chromium  # noqa: E402

TIMES = 5


def main() -> int:
    assay = Path(sys.argv[1]).resolve() / "assay"
    with tempfile.TemporaryDirectory(prefix="assay-pages-") as out, chromium.Browser() as browser:
        file = check.Reports(assay, Path(out)).three
        milliseconds = []
        for _ in range(TIMES):
            page = browser.page(1280)
            page.open(file)
            milliseconds.append(float(page.run("document.documentElement.dataset.ready")))
            page.close()
        print(json.dumps({"seconds": statistics.median(milliseconds) / 1000, "megabytes": file.stat().st_size / 1e6}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
