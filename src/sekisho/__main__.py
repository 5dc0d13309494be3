"""``python -m sekisho``."""

from sekisho.cli.main import run

if __name__ == "__main__":
    run()
