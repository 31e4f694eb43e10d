"""A project whose pipeline asks for all kinds of inputs; a file that is wrong."""

FILE = r'''spec:
  inputs:
    target: {description: Where it goes, options: [staging, production], default: staging}
    count: {type: number, default: 1}
    sure: {type: boolean}
    version: {regex: '^v\d+$', description: Such as v12}
    names: {type: array, default: [a, b]}
---
variables:
  LEVEL: {value: low, options: [low, high], description: How thorough it is}
"to $[[ inputs.target ]]":
  script: ["echo $[[ inputs.version ]] $[[ inputs.sure ]] $LEVEL $EXTRA"]
  parallel: $[[ inputs.count ]]
'''


def fill(server, data):
    data['asking_id'] = server.project('team/asking', {'.gitlab-ci.yml': FILE})
    data['asking'] = 'team/asking'
