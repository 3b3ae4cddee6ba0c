"""The `smartscale` command: everything the pages can do, without a browser."""
