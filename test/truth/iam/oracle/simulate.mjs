// Asks iam-simulate, an outside judge of AWS policies, about cases in the form
// of ../documented, and prints one JSON line a case: {name, expect, answer, why}.
// answer is allow, deny, or error where it refuses the question (an action or a
// policy it holds for invalid). It knows no "unknown", and with --discovery it
// tells "conditional" for keys that a case leaves open.
//
//   node simulate.mjs CASES.json…
//   node simulate.mjs --convert FOLDER     the judge's own cases, in our form
//
// simulate.sh installs it, since nothing of it is kept here.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const account = arn => (/^\d{12}$/.test(arn.split(':')[4] ?? '') ? arn.split(':')[4] : undefined)
const named = list => (list ?? []).map((policy, i) => ({ name: `p${i}`, policy }))
const levels = list => (list ?? []).map((policies, i) => ({ orgIdentifier: `level${i}`, policies: named(policies) }))

// Several session policies add up, and the judge takes one.
function joined(list) {
  if (!list) return undefined
  return { Version: '2012-10-17', Statement: list.flatMap(p => p.Statement) }
}

// A condition key with one value is written as a string: lists mean many.
function context(all) {
  return Object.fromEntries(Object.entries(all ?? {}).map(([k, v]) => [k, v.length === 1 && !/TagKeys|OrgPaths|CalledVia$|InstanceTypes|VpcSubnets/i.test(k) ? v[0] : v]))
}

function question(c, anonymous) {
  const r = c.request
  const own = account(r.principal)
  return {
    request: {
      principal: r.principal === '*' ? anonymous : r.principal,
      action: r.action,
      resource: { resource: r.resource, accountId: r.resourceAccount ?? account(r.resource) ?? own ?? '111122223333' },
      contextVariables: context(r.context),
    },
    identityPolicies: named(c.identityPolicies),
    serviceControlPolicies: levels(c.scps),
    // The judge adds AWS's own RCPFullAWSAccess itself and refuses it here.
    resourceControlPolicies: levels(c.rcps?.map(l => l.filter(p => p.Statement.every(s => s.Effect === 'Deny')))),
    resourcePolicy: c.resourcePolicy,
    sessionPolicy: joined(c.session),
    permissionBoundaryPolicies: c.boundary ? named([c.boundary]) : undefined,
  }
}

async function ask(files) {
  const require = createRequire(join(process.env.IAM_SIMULATE, 'index.js'))
  const { runSimulation, anonymousPrincipal } = await import(pathToFileURL(require.resolve('@cloud-copilot/iam-simulate')))
  for (const file of files) {
    for (const c of JSON.parse(readFileSync(file, 'utf8')).cases) {
      let answer, why
      try {
        const got = await runSimulation(question(c, anonymousPrincipal), { simulationMode: c.request.open ? 'Discovery' : 'Strict' })
        if (got.resultType === 'error') {
          answer = 'error'
          why = JSON.stringify(got.errors)
        } else {
          const seen = got.overallResult
          const hangs = got.resultType === 'single' && got.result.analysis.ignoredConditions && Object.keys(got.result.analysis.ignoredConditions).length > 0
          answer = seen === 'Allowed' ? (hangs ? 'conditional' : 'allow') : 'deny'
          why = seen
        }
      } catch (e) {
        answer = 'error'
        why = String(e.message ?? e)
      }
      console.log(JSON.stringify({ name: c.name, expect: c.expect, answer, why }))
    }
  }
}

function* jsonFiles(folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) yield* jsonFiles(path)
    else if (name.endsWith('.json')) yield path
  }
}

// The policy that AWS attaches at every level, which the judge leaves out.
const passing = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }] }

// convert prints the judge's own cases in our form. What only it has (endpoint
// policies, discovery, settings of S3) is left out and counted.
function convert(folder) {
  const cases = []
  const left = {}
  const skip = why => { left[why] = (left[why] ?? 0) + 1 }
  for (const path of jsonFiles(folder)) {
    let list
    try { list = JSON.parse(readFileSync(path, 'utf8')) } catch { skip('not JSON'); continue }
    if (!Array.isArray(list)) { skip('no list of cases'); continue }
    for (const t of list) {
      const answer = { Allowed: 'allow', ImplicitlyDenied: 'deny', ExplicitlyDenied: 'deny' }[t.expected?.response ?? t.expected?.result ?? t.expected?.overallResult]
      if (!t.request || !answer) { skip('no single answer'); continue }
      if (t.simulationMode || t.discoveryContextKeyConstraints || t.expected.ignoredConditions || t.expected.ignoredRoleSessionName !== undefined) { skip('discovery'); continue }
      if (t.vpcEndpointPolicies || t.endpointPolicies) { skip('endpoint policies'); continue }
      if (t.additionalSettings || t.bucketAbac || /s3\/abac/.test(path)) { skip('settings of S3'); continue }
      const who = t.request.principal
      const org = list => list?.map(l => l.policies.map(p => p.policy ?? p))
      const plain = list => list?.map(p => p.policy ?? p)
      const boundary = plain(t.permissionBoundaries ?? t.permissionBoundaryPolicies)
      if (boundary && boundary.length > 1) { skip('several boundaries'); continue }
      const at = t.request.resource
      cases.push({
        name: `${path.slice(folder.length + 1)} ${cases.length} ${t.name}`, expect: answer, why: '', source: 'iam-simulate',
        identityPolicies: plain(t.identityPolicies) ?? [], boundary: boundary?.[0], session: t.sessionPolicy ? [t.sessionPolicy.policy ?? t.sessionPolicy] : undefined,
        scps: org(t.serviceControlPolicies), rcps: org(t.resourceControlPolicies)?.map(l => [passing, ...l]), resourcePolicy: t.resourcePolicy ?? undefined,
        request: {
          principal: typeof who === 'string' ? who : '*', action: t.request.action, resource: at.resource ?? at, resourceAccount: at.accountId,
          context: Object.fromEntries(Object.entries(t.request.context ?? t.request.contextVariables ?? {}).map(([k, v]) => [k, [v].flat()])),
        },
      })
    }
  }
  console.log(JSON.stringify({ schema: 'sevenfold/iam-cases/v1', cases }, null, 1))
  console.error(`${cases.length} cases; left out: ${JSON.stringify(left)}`)
}

const args = process.argv.slice(2)
if (args[0] === '--convert') convert(args[1].replace(/\/$/, ''))
else await ask(args)
