"""isobuild builds custom Linux ISOs on request.

A person orders an ISO: a task (domain). A tick, each minute and at once, gives it a build and launches that
(tick, clock, launchers). The runner carries the build: a recipe's steps, which make images, run as an
unprivileged user (runner, recipes, image). The finished file goes into the store, the callback makes the task
ready, and its owner downloads it, from the command line or the page (store, cli, web).
"""

__version__ = "0.1.0"
