"""Starts pipeline-runner on an engine that reaches no registry and has no network of its own.

It stands in for what Bitbucket has and such a machine lacks. Every image is the one that STEP_IMAGE names. The
containers of a step share the network of this machine. Instead of a Docker daemon for each step, a pipe uses the engine
itself: STEP_VOLUME tells the `docker` of the step where the files of the step are.
"""

import os

from docker.models.containers import ContainerCollection
from pipeline_runner import cli, config, container, runner, service

image = os.environ["STEP_IMAGE"]
run = ContainerCollection.run


def run_here(self, wanted, *args, **options):
    if wanted == runner.ATLASSIAN_PAUSE_IMAGE:
        options["entrypoint"] = ["sleep", "600"]
    if not options.get("network"):
        options.pop("network", None)
        options["network_mode"] = "host"
    for name, mount in options.get("volumes", {}).items():
        if mount["bind"] == config.config.remote_pipeline_dir:
            options.setdefault("environment", {})["STEP_VOLUME"] = name
    return run(self, image, *args, **options)


ContainerCollection.run = run_here
container.pull_image = service.pull_image = lambda *_: None
runner.DEFAULT_IMAGE = image
runner.StepRunner._docker_is_needed = lambda _: False
cli.main()
