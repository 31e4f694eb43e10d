"""The calls of the API: as the source declares them, and as docs/rest.md describes them."""
import glob
import re

TOKENS = {'READ': '`read_api`', 'WRITE': '`api`', 'ADMIN': "`api`, an administrator's"}


def rows(src):
    """(method, pattern) of every row of every table of routes, and who may."""
    found = {}
    for name in glob.glob(src + '/scheduler/api/*.c'):
        text = open(name).read()
        words = dict(re.findall(r'#define (\w+) "(/[^"]*)"', text))
        table = re.findall(r'\{\s*"([A-Z]+)",\s*((?:"[^"]*"|\w+|\s)+),\s*API_(\w+)', text)
        for method, pattern, access in table:
            parts = re.findall(r'"([^"]*)"|(\w+)', pattern)
            found[method, ''.join(s or words[w] for s, w in parts)] = access
    return found


def declared(src):
    return set(rows(src))


def described(src):
    """The same of the table "All calls", and the token its row names."""
    text = open(src + '/docs/rest.md').read().split('## All calls')[1].split('\n## ')[0]
    lines = re.findall(r'^\| `([A-Z]+) (\S+)` \| [^|]+ \| ([^|]+) \|$', text, re.M)
    assert len(lines) == len({line[:2] for line in lines}), 'docs/rest.md has a call twice'
    return {(method, path): token for method, path, token in lines}


def compare(src):
    """What the source has and the description has not, the other way round, and whose token is said to be another one."""
    source, docs = rows(src), described(src)
    problems = ['docs/rest.md lacks %s %s' % r for r in sorted(source.keys() - docs.keys())]
    problems += ['docs/rest.md has %s %s, which is no call' % r for r in sorted(docs.keys() - source.keys())]
    for route in sorted(source.keys() & docs.keys()):
        want, said = TOKENS.get(source[route]), docs[route]
        if said != want and (want is not None or said in TOKENS.values()):
            problems.append('docs/rest.md: %s %s is opened by %s, not %s' % (*route, want, said))
    return problems
