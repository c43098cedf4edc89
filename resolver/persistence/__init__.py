"""Bindings that outlast a boot.

``records`` says what was made persistent, ``texts`` what the files of the host's
services say, ``mechanism`` which files there are, ``persist`` writes and removes them.
"""
