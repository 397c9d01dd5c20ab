"""The process and its surroundings: files, threads, generators, progress.

storage.py   files that are complete or absent
folders.py   folders of runs: made, claimed, their JSON files read
locks.py     one run at a time in a folder
threads.py   numbers of threads, shared and restored
chance.py    generators of one's own; no global one is seeded
workers.py   calls in several processes, threads or machines
machine.py   versions and processor, as results note them; devices
progress.py  progress on standard error
"""
