"""Random programs: what somebody might do to a kernel, in an order of chance."""
