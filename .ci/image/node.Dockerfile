# Node without the symbols that only a debugger reads, 4 MB of a download; the Dockerfile copies node out of it.
#
#   docker build -t node-stripped - <.ci/image/node.Dockerfile
#   docker build --build-arg NODE_IMAGE=node-stripped .
#
# A build of its own: this needs the network and a machine (or emulation) of the image's architecture, the image's own
# Dockerfile needs neither.
ARG NODE_IMAGE=node:24.21.0-alpine3.24
FROM ${NODE_IMAGE}
RUN apk add --no-cache binutils && strip /usr/local/bin/node
