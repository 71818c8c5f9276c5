"""`isobuild` and `python -m isobuild`."""

from isobuild.cli.main import main

if __name__ == "__main__":
    main()
