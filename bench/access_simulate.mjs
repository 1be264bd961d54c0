// Asks iam-simulate, an outside judge, the questions that `accessgen -form asked`
// wrote, N of them, and writes how many and in how many processor seconds.
//
//	node access_simulate.mjs ASKED.json N SAID.json
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [file, count, said] = process.argv.slice(2)
const require = createRequire(join(process.env.IAM_SIMULATE, 'index.js'))
const { runSimulation } = await import(pathToFileURL(require.resolve('@cloud-copilot/iam-simulate')))
const all = JSON.parse(readFileSync(file, 'utf8'))
const named = list => list.map((policy, i) => ({ name: `p${i}`, policy }))
const scps = all.scps.map((level, i) => ({ orgIdentifier: `level${i}`, policies: named(level) }))

const answers = {}
const start = process.cpuUsage()
for (let i = 0; i < Number(count); i++) {
  const who = all.people[(i * 7919) % all.people.length]
  const q = all.questions[i % all.questions.length]
  const policies = who.managed.map(m => all.documents[m])
  if (who.inline) policies.push(who.inline)
  let answer
  try {
    const got = await runSimulation({
      request: {
        principal: who.arn, action: q.Action, resource: { resource: q.Resource, accountId: all.account },
        contextVariables: { 'aws:PrincipalTag/team': who.team, 'aws:SecureTransport': 'true', 'aws:RequestedRegion': 'eu-west-1' },
      },
      identityPolicies: named(policies), serviceControlPolicies: scps, resourceControlPolicies: [],
      resourcePolicy: q.Resource.startsWith('arn:aws:s3:::data-4/') ? all.bucket : undefined,
      permissionBoundaryPolicies: who.boundary ? named([who.boundary]) : undefined,
    }, { simulationMode: 'Strict' })
    answer = got.resultType === 'error' ? 'error' : got.overallResult
  } catch { answer = 'error' }
  answers[answer] = (answers[answer] ?? 0) + 1
}
const used = process.cpuUsage(start)
writeFileSync(said, JSON.stringify({ questions: Number(count), cpu_s: (used.user + used.system) / 1e6, answers }))
