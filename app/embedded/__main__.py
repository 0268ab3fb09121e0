"""`python -m app.embedded run | servers | flask …`."""

import os
import signal
import sys

from app.embedded.processes import EmbeddedError
from app.embedded.product import Product
from app.embedded.servers import embedded_servers
from app.embedded.supervisor import python

_USAGE = """\
python -m app.embedded run         the whole product: servers, web, worker, relay and clock
python -m app.embedded servers     PostgreSQL and Valkey alone; prints their addresses
python -m app.embedded flask ...   one command of the product on the data folder, for example: flask policies list

PORT (8000), DATA_DIR (./var), DATABASE_URL and REDIS_URL are taken from the environment.
"""


def main(arguments: list[str]) -> int:
    """Carry out one command line and return the exit code."""
    try:
        product = Product.from_environment(os.environ)
        match arguments:
            case ["run"]:
                product.run()
            case ["servers"]:
                _run_servers(product)
            case ["flask", *rest]:
                return product.run_command(python("-m", "flask", "--app", "wsgi", *rest))
            case _:
                print(_USAGE, end="")
                return 0 if arguments in (["help"], ["--help"]) else 2
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run_servers(product: Product) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: sys.exit(0))
    with embedded_servers(product.data_dir) as servers:
        print(f"DATABASE_URL={servers.database_url}\nREDIS_URL={servers.redis_url}", flush=True)
        while True:
            signal.pause()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
