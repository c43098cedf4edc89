"""Ways to put a program on a kernel. They translate calls and hold no kernel rule."""
