import lib.two
