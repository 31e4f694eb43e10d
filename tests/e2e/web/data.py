"""What the pages show: projects, pipelines of all states, and names of the worst kind."""
import os
import subprocess

SCRIPT = '<script>alert(1)</script>'
IMAGE = '<img src=x onerror=alert(1)>'
RTL = '\u202eevil\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627'
LONG = 'long' * 60

APP = '''
stages: [build, test, deploy]
variables: {MODE: {value: fast, description: How thorough, options: [fast, full]}}
workflow: {name: 'Build of $CI_COMMIT_BRANCH'}
compile:
  stage: build
  script:
    - mkdir -p out/html
    - printf '\\033[1;32mbuilt\\033[0m \\033[38;5;208mall\\033[0m \\033[38;2;90;120;250mof it\\033[0m\\n'
    - |
      cd out
      echo '<link rel="stylesheet" href="style.css"><h1>Report</h1><p>Nothing ran.</p><script>document.body.textContent="ran"</script>' >html/index.html
      echo 'p { color: rgb(1, 2, 3) }' >html/style.css
      echo 'some text' >notes.txt
      echo '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><circle cx="8" cy="8" r="7"/></svg>' >picture.svg
      printf 'a\\0b' >bytes.bin
      mkdir evil
      echo '<script>alert(1)</script>' >'evil/<img src=x onerror=alert(1)> #?%25.txt'
  artifacts: {paths: [out]}
docs: {stage: build, script: ['echo docs']}
unit: {stage: test, needs: [compile], script: ['echo unit', 'test "$OUTCOME" != failed']}
flaky: {stage: test, allow_failure: true, script: ['exit 3'], rules: [{if: '$OUTCOME == "warning"'}]}
slow:
  stage: test
  script: ['echo waiting', 'for i in $(seq 6000); do [ -e "$HOLD" ] && exit 0; sleep 0.1; done']
  rules: [{if: $HOLD}]
nobody: {stage: test, tags: [no-such-runner], script: [x], rules: [{if: '$OUTCOME == "waiting"'}]}
later: {stage: deploy, script: [x], rules: [{if: '$OUTCOME == "later"', when: delayed, start_in: 2 hours}]}
ship: {stage: deploy, script: ['echo shipped'], when: manual, environment: production, rules: [{if: '$OUTCOME == "manual"', when: manual}]}
'''

# looks like one that people have: for the documents
WEBSITE = '''
stages: [check, build, test, release]
workflow: {name: A new search page}
style: {stage: check, script: ['sleep 0.2']}
licences: {stage: check, script: ['sleep 0.2']}
linux: {stage: build, needs: [style], script: ['sleep 0.2']}
arm: {stage: build, needs: [style], script: ['sleep 0.4']}
manual pages: {stage: build, needs: [], script: ['sleep 0.2']}
unit: {stage: test, needs: [linux], script: ['sleep 0.2']}
unit arm: {stage: test, needs: [arm], script: ['sleep 0.2']}
browser: {stage: test, needs: [linux], allow_failure: true, script: ['sleep 0.1; exit 1']}
package: {stage: release, needs: [unit, unit arm, manual pages], script: ['sleep 0.2']}
staging: {stage: release, needs: [package], environment: staging, script: ['sleep 0.2']}
production: {stage: release, needs: [staging], environment: production, when: manual, script: ['sleep 0.2']}
'''

HOSTILE = '''
stages: ["%s", "%s"]
"%s": {stage: "%s", script: ['echo "%s"']}
"%s": {stage: "%s", script: ['echo "%s"']}
"%s": {stage: "%s", script: [echo]}
'''


class Filler:
    def __init__(self, server):
        self.server = server
        self.data = {'hold': os.path.abspath('hold')}

    def commit(self, path, files, message='a commit'):
        work = 'work-' + path.replace('/', '-')
        if not os.path.isdir(work):
            subprocess.check_call(['git', 'init', '-q', '-b', 'main', work])
        for name, text in files.items():
            with open(os.path.join(work, name), 'w') as f:
                f.write(text)
        subprocess.check_call(['git', '-C', work, 'add', '-A'])
        subprocess.check_call(['git', '-C', work, 'commit', '-qm', message])

    def project(self, path, files, message='a commit', **more):
        group, name = path.rsplit('/', 1)
        made = self.server.post('/api/v4/projects', {'name': name, 'namespace_path': group})
        assert made.status == 201, made.body
        if files:
            self.commit(path, files, message)
            self.server.push(path)
        if more:
            changed = self.server.call('PUT', '/api/v4/projects/%d' % made.json['id'], more)
            assert changed.status == 200, changed.body
        return made.json['id']

    def pipeline(self, project, ref='main', **variables):
        made = self.server.post('/api/v4/projects/%d/pipeline' % project, {
            'ref': ref, 'variables': [{'key': k, 'value': v} for k, v in variables.items()]})
        assert made.status == 201, made.body
        return made.json['id']

    def wait(self, project, pipeline, *states):
        self.server.wait_for(lambda: self.server.get('/api/v4/projects/%d/pipelines/%d' % (
            project, pipeline)).json['status'] in states, 'pipeline %d to be %s' % (pipeline, states))

    def fill_app(self):
        """team/app: a pipeline of each state, whose ids are data['pipelines'][STATE]."""
        app = self.project('team/app', {'.gitlab-ci.yml': APP, 'README': 'app'}, 'Begin the app',
                           description='What the team makes')
        made = {}
        made['success'] = self.pipeline(app)
        made['failed'] = self.pipeline(app, OUTCOME='failed')
        made['warning'] = self.pipeline(app, OUTCOME='warning')
        made['manual'] = self.pipeline(app, OUTCOME='manual')
        made['scheduled'] = self.pipeline(app, OUTCOME='later')
        made['waiting'] = self.pipeline(app, OUTCOME='waiting')
        made['canceled'] = self.pipeline(app, OUTCOME='canceled')
        self.server.post('/api/v4/projects/%d/pipelines/%d/cancel' % (app, made['canceled']))
        made['running'] = self.pipeline(app, HOLD=self.data['hold'])
        self.data.update(app='team/app', app_id=app, pipelines=made)

    def fill_website(self):
        self.data['website_id'] = self.project('team/website', {'.gitlab-ci.yml': WEBSITE}, 'A new search page')
        self.data.update(website='team/website', website_pipeline=self.pipeline(self.data['website_id']))

    def fill_hostile(self):
        """evil/x…: everything that may be chosen by a stranger, chosen badly."""
        path = 'evil/' + 'x' * 60
        text = HOSTILE % (SCRIPT, RTL, SCRIPT, SCRIPT, SCRIPT, RTL + IMAGE, RTL, IMAGE, LONG, RTL)
        ident = self.project(path, {'.gitlab-ci.yml': text}, '%s %s\n\n%s' % (IMAGE, RTL, LONG),
                             name=SCRIPT, description=RTL + SCRIPT + LONG)
        branch = 'topic/' + SCRIPT.replace(' ', '')
        self.server.push(path, branch)
        made = [self.pipeline(ident), self.pipeline(ident, branch)]
        self.data.update(evil=path, evil_id=ident, evil_branch=branch, evil_pipelines=made)

    def fill(self):
        self.fill_app()
        self.fill_website()
        self.fill_hostile()
        self.data.update(empty='team/empty', empty_id=self.project('team/empty', {}))
        pipelines = self.data['pipelines']
        for name, states in (('success', ['success']), ('failed', ['failed']), ('warning', ['success']),
                             ('manual', ['manual', 'success']), ('running', ['running'])):
            self.wait(self.data['app_id'], pipelines[name], *states)
        for p in self.data['evil_pipelines']:
            self.wait(self.data['evil_id'], p, 'success', 'failed')
        self.wait(self.data['website_id'], self.data['website_pipeline'], 'manual', 'success')
        self.data['jobs'] = {
            state: {j['name']: j['id'] for j in self.server.get(
                '/api/v4/projects/%d/pipelines/%d/jobs' % (self.data['app_id'], p)).json}
            for state, p in pipelines.items()}

    def finish(self):
        """The job that was held may end."""
        open(self.data['hold'], 'w').close()
