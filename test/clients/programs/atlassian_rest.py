"""Reads a repository over REST: atlassian_rest.py REPOSITORY ["token" | "api-token"]."""
import os
import sys

from atlassian.bitbucket import Cloud

repository, *given = sys.argv[1:]
secret = os.environ["BITBUCKET_ACCESS_TOKEN"]
credentials = {
    "token": {"token": secret},
    "api-token": {"username": os.environ.get("BITBUCKET_EMAIL"), "password": secret},
}
auth = credentials[given[0]] if given else {}
cloud = Cloud(url=os.environ["BITBUCKET_API_URL"] + "/", cloud=True, **auth)
workspace, slug = repository.split("/")
print(cloud.repositories.get(workspace, slug).get_data("full_name"))
