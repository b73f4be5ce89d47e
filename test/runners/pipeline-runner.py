"""Starts pipeline-runner on an engine that reaches no registry and whose containers have no network.

It replaces what Bitbucket provides and such a machine lacks. STEP_IMAGE names the image that is used for every container.
The containers of a step use the network of this machine. Bitbucket gives each step its own Docker daemon; here a pipe runs
on the engine itself, and STEP_VOLUME tells the `docker` of the step which volume holds the files of the step.
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
