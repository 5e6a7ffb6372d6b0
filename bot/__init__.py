"""imagine-bot: the application that wires core and adapters together; `python -m bot --help`."""
