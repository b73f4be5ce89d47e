"""Reads a repository over REST: atlassian_rest.py REPOSITORY ["token"]."""
import os
import sys

from atlassian.bitbucket import Cloud

repository, *given = sys.argv[1:]
token = {"token": os.environ["BITBUCKET_ACCESS_TOKEN"]} if given else {}
cloud = Cloud(url=os.environ["BITBUCKET_API_URL"] + "/", cloud=True, **token)
workspace, slug = repository.split("/")
print(cloud.repositories.get(workspace, slug).get_data("full_name"))
