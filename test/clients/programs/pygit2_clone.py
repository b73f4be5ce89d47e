"""Clones with libgit2: pygit2_clone.py URL DIRECTORY ["credentials"]."""
import os
import sys

import pygit2

url, directory, *given = sys.argv[1:]
credentials = pygit2.UserPass(
    os.environ["BITBUCKET_GIT_USERNAME"], os.environ["BITBUCKET_ACCESS_TOKEN"]
)
callbacks = pygit2.RemoteCallbacks(credentials=credentials if given else None)
pygit2.clone_repository(url, directory, callbacks=callbacks)
