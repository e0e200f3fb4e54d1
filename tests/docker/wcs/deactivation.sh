#!/bin/sh
# The vendor's uninstaller calls a script of this name while the licence's file exists.
rm ../conf/flashphoner.license && echo "License is deactivated"
