import sys

sys.exit("no time today")
