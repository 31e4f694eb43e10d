"""What both clients meet: a project, pushed to a server that has a runner of its own."""
import os

from server import Server

PIPELINE = '''
stages: [build, test]
make:
  stage: build
  script:
    - mkdir -p out/deep
    - echo "greeting=$GREETING" | tee out/text
    - echo "inner" > 'out/deep/a file'
  artifacts: {paths: [out]}
check: {stage: test, script: ['cat out/text']}
ship: {stage: test, script: ['echo shipped'], when: manual}
'''


def begin(build, data):
    os.makedirs(data + '-place')
    os.chdir(data + '-place')
    server = Server(build, args=['--concurrent', '2', '--runner',
                                 build + '/pawl-runner']).start()
    made = server.post('/api/v4/projects', {'name': 'app', 'namespace_path': 'team'})
    assert made.status == 201, made.body
    server.commit('team/app', {'.gitlab-ci.yml': PIPELINE}, push=False)
    server.push('team/app')
    server.push('team/app', 'topic/one')
    return server
