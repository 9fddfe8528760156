"""`python -m carewire_dispatcher`: the dispatcher's command line."""

from carewire_dispatcher.app import main

main()
