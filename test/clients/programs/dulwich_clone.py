"""Clones with dulwich: dulwich_clone.py URL DIRECTORY ["credentials"]."""
import os
import sys

from dulwich import porcelain

url, directory, *given = sys.argv[1:]
credentials = {
    "username": os.environ["BITBUCKET_GIT_USERNAME"],
    "password": os.environ["BITBUCKET_ACCESS_TOKEN"],
}
porcelain.clone(url, directory, **(credentials if given else {}))
