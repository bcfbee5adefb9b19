"""`make bench`."""

from benchmarks.service import main

main()
