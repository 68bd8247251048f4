#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the corpora of the fuzz targets reach: runs every replay program of a gcov build over its corpus, alone, and counts
the lines of the given folders that ran. Prints a line per file, the worst first, and the lines that no input reached with
--missing; exit 1 where a folder is below its floor.

    coverage.py --build build/coverage --at-least 90 core/protocol/imap core/protocol/mime
"""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def replay(build):
    """Runs the corpora with counters that begin at zero; how many programs ran."""
    for counters in build.rglob("*.gcda"):
        counters.unlink()
    programs = sorted((build / "tests").glob("replay_*"))
    for program in programs:
        corpus = ROOT / "tests/fuzz/corpus" / program.name.removeprefix("replay_")
        subprocess.run([program, corpus], check=True, stdout=subprocess.DEVNULL)
    return len(programs)


def counted(build):
    """{file: {line: how often it ran}}, over all objects that hold it."""
    lines = {}
    for counters in sorted(build.rglob("*.gcda")):
        told = subprocess.run(["gcov", "--json-format", "--stdout", counters], cwd=build, check=True,
                              capture_output=True, text=True).stdout
        for file in json.loads(told)["files"]:
            # Ours are spelt from the build's folder, or by -ffile-prefix-map from the project's.
            path = (build / file["file"]).resolve()
            name = str(path.relative_to(ROOT)) if path.is_file() and path.is_relative_to(ROOT) else file["file"]
            mine = lines.setdefault(name, {})
            for line in file["lines"]:
                number = line["line_number"]
                mine[number] = mine.get(number, 0) + line["count"]
    return lines


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", type=pathlib.Path, required=True)
    options.add_argument("--at-least", type=float, required=True, help="per cent of each folder's lines")
    options.add_argument("--missing", action="store_true", help="print the lines that no input reached")
    options.add_argument("folders", nargs="+")
    asked = options.parse_args()
    programs = replay(asked.build.resolve())
    lines = counted(asked.build.resolve())
    low = False
    for folder in asked.folders:
        files = {name: of for name, of in lines.items() if name.startswith(folder.rstrip("/") + "/") and of}
        of_sources = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.cpp")}
        unseen = sorted(of_sources - files.keys())
        if unseen or not files:
            sys.exit(f"coverage: no counters for {', '.join(unseen) or folder}: is {asked.build} a gcov build?")
        ran = {name: sum(count > 0 for count in of.values()) for name, of in files.items()}
        for name in sorted(files, key=lambda name: ran[name] / len(files[name])):
            print(f"{100 * ran[name] / len(files[name]):6.1f} %  {ran[name]:4} of {len(files[name]):4}  {name}")
            if asked.missing:
                print("         not reached:", *sorted(n for n, count in files[name].items() if count == 0))
        share = 100 * sum(ran.values()) / sum(map(len, files.values()))
        low = low or share < asked.at_least
        print(f"{share:6.1f} %  {folder}, by {programs} corpora ({asked.at_least:g} % at least)")
    sys.exit(1 if low else 0)


main()
