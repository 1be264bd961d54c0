package pipelines

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// said is what a definition declares, as lines: A -> B, and ? for what it leaves open.
func said(d *Definition) string {
	var out []string
	for _, f := range d.Flows {
		out = append(out, f.From+" -> "+f.To)
	}
	for _, u := range d.Unknown {
		out = append(out, "? "+u)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\n")
}

// TestDefinitions reads each file of testdata and compares what it declares with the file
// beside it.
func TestDefinitions(t *testing.T) {
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range files {
		if !Reads(name) {
			continue
		}
		n++
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			d, err := Read(filepath.Base(name), text)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(name + ".flows")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSpace(string(want)), said(d)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if n < 4 {
		t.Errorf("only %d files", n)
	}
}

// dag puts lines into a DAG.
func dag(lines ...string) string {
	return "from airflow import DAG\nwith DAG('d'):\n    " + strings.Join(lines, "\n    ") + "\n"
}

func TestAirflow(t *testing.T) {
	for _, tt := range []struct{ name, src, want string }{
		{"a name that is set twice is computed", "from airflow import DAG\nB = 'one'\nif x:\n    B = 'two'\nwith DAG('d'):\n    S3CreateObjectOperator(task_id='t', s3_bucket=B, s3_key='k')\n", "? f.py:6: the argument s3_bucket of airflow://d/t is computed"},
		{"so is one that a loop sets", dag("for b in bs:", "    S3CreateObjectOperator(task_id='t', s3_bucket=b, s3_key='k')"), "? f.py:4: the argument s3_bucket of airflow://d/t is computed"},
		{"and one that a function is given", "from airflow import DAG\nbucket = 'one'\ndef f(bucket):\n    S3CreateObjectOperator(task_id='t', s3_bucket=bucket, s3_key='k')\nDAG('d')\n", "? f.py:4: the argument s3_bucket of airflow://d/t is computed"},
		{"texts are put together", dag("S3CreateObjectOperator(task_id='t', s3_bucket='a' 'b', s3_key='x/' + \"y\" + r'''\\z''')"), `airflow://d/t -> s3://ab/x/y\z`},
		{"a place in a text ends what is known", dag("S3CreateObjectOperator(task_id='t', s3_bucket='b', s3_key=f'x/y-{day()}/{{}}.csv')"), "airflow://d/t -> s3://b/x/"},
		{"so does a template of Airflow's", dag("S3CreateObjectOperator(task_id='t', s3_bucket='b', s3_key='x/{{ ds }}.csv')"), "airflow://d/t -> s3://b/x/"},
		{"and one in the bucket leaves nothing", dag("S3CreateObjectOperator(task_id='t', s3_bucket='b-{{ env }}', s3_key='x')"), "? f.py:3: the argument s3_bucket of airflow://d/t is computed"},
		{"% and format", dag("S3CreateObjectOperator(task_id='t', s3_bucket='b', s3_key='x/%s/y' % day)", "S3CreateObjectOperator(task_id='u', s3_bucket='b', s3_key='z/{}/y'.format(day))"), "airflow://d/t -> s3://b/x/\nairflow://d/u -> s3://b/z/"},
		{"a key that is a whole address", dag("S3CopyObjectOperator(task_id='t', source_bucket_key='s3a://a/x', dest_bucket_key='s3://b/y')"), "airflow://d/t -> s3://b/y\ns3://a/x -> airflow://d/t"},
		{"a key of which nothing is known lies in its bucket", dag("S3CopyObjectOperator(task_id='t', source_bucket_name='a', source_bucket_key=key(), dest_bucket_key='s3://b/y')"), "airflow://d/t -> s3://b/y\ns3://a/ -> airflow://d/t"},
		{"arguments from elsewhere", dag("S3CreateObjectOperator(task_id='t', **more)"), "? f.py:3: the argument s3_bucket or s3_key of airflow://d/t is computed"},
		{"mapped tasks", dag("S3CreateObjectOperator.partial(task_id='t', s3_bucket='b').expand(s3_key=['x', 'y'])"), "airflow://d/t -> s3://b/x\nairflow://d/t -> s3://b/y"},
		{"an operator of somebody's own", dag("OurOperator(task_id='t', source='s3://a/x', target=['s3://b/y'], thing='s3://c/z')"), "? f.py:3: airflow://d/t is a OurOperator, which is not among the operators that are known here\n? f.py:3: airflow://d/t is given s3://c/z as thing, which does not say whether it is read or written\nairflow://d/t -> s3://b/y\ns3://a/x -> airflow://d/t"},
		{"a function that only reckons", "from airflow import DAG\nfrom airflow.decorators import task\nwith DAG('d'):\n    @task\n    def f(x, n=2):\n        for i in range(n):\n            print(f'{x} of {n}', ', '.join(x))\n        if not (x):\n            raise ValueError('no')\n        return {'a': str(x)}\n    S3CreateObjectOperator(task_id='t', s3_bucket='b', s3_key='k')\n", "airflow://d/t -> s3://b/k"},
		{"one that an operator calls", "from airflow import DAG\ndef f(**context):\n    print(context['ds'])\ndef g():\n    hook().run()\nwith DAG('d'):\n    PythonOperator(task_id='t', python_callable=f)\n    PythonOperator(task_id='u', python_callable=g)\n    PythonOperator(task_id='v', python_callable=lib.f)\n",
			"? f.py:8: airflow://d/u runs a function of Python: which stores that uses, it does not say (inlets and outlets would)\n? f.py:9: airflow://d/v runs a function of Python: which stores that uses, it does not say (inlets and outlets would)"},
		{"a copy on a command line", dag("BashOperator(task_id='t', bash_command='aws s3 cp s3://a/x s3://b/y')"), "airflow://d/t -> s3://b/y\ns3://a/x -> airflow://d/t"},
		{"with what Airflow fills in", dag("BashOperator(task_id='t', bash_command='set -e && aws s3 sync --sse AES256 s3://a/x/{{ ds }}/ s3://b/y/{{ ds }}/ --delete; echo done {{ run_id }}')"), "airflow://d/t -> s3://b/y/\ns3://a/x/ -> airflow://d/t"},
		{"of other programs", dag("BashOperator(task_id='t', bash_command='gsutil -m rsync -r gs://a/x gs://b/y')", "BashOperator(task_id='u', bash_command='gcloud storage cp /tmp/x gs://b/z')"), "airflow://d/t -> gs://b/y\nairflow://d/u -> gs://b/z\ngs://a/x -> airflow://d/t"},
		{"a bucket that is filled in", dag("BashOperator(task_id='t', bash_command='aws s3 cp /tmp/x s3://{{ var.value.b }}/y')"), "? f.py:3: airflow://d/t runs a command: which stores that uses, it does not say (inlets and outlets would)"},
		{"a command that is no copy alone", dag("BashOperator(task_id='t', bash_command='aws s3 cp s3://a/x - | psql')"), "? f.py:3: airflow://d/t names s3://a/x, and which way it is used is not known\n? f.py:3: airflow://d/t runs a command: which stores that uses, it does not say (inlets and outlets would)"},
		{"nor one that lists", dag("BashOperator(task_id='t', bash_command='aws s3 rm s3://a/x')"), "? f.py:3: airflow://d/t names s3://a/x, and which way it is used is not known\n? f.py:3: airflow://d/t runs a command: which stores that uses, it does not say (inlets and outlets would)"},
		{"commands that only talk", dag("BashOperator(task_id='t', bash_command='echo \"hello {{ ds }}\"; sleep 5 && exit 0')", "BashOperator(task_id='u', bash_command='sleep 1 $(curl x)')", "BashOperator(task_id='v', bash_command='run.sh')"),
			"? f.py:4: airflow://d/u runs a command: which stores that uses, it does not say (inlets and outlets would)\n? f.py:5: airflow://d/v runs a command: which stores that uses, it does not say (inlets and outlets would)"},
		{"a message of the file's own", dag("EmailOperator(task_id='t', to='a', subject='done', html_content='well')", "EmailOperator(task_id='u', to='a', subject='done', html_content=body())", "EmailOperator(task_id='v', to='a', subject='x', html_content='y', files=['/tmp/a.csv'])"),
			"? f.py:4: airflow://d/u runs a message: which stores that uses, it does not say (inlets and outlets would)\n? f.py:5: airflow://d/v runs a message: which stores that uses, it does not say (inlets and outlets would)"},
		{"operators that move nothing", dag("DataprocCreateClusterOperator(task_id='t')", "BigQueryDeleteTableOperator(task_id='u', deletion_dataset_table='p.d.t')", "HITLBranchOperator(task_id='v')"), ""},
		{"between two stores", dag("S3ToAzureBlobStorageOperator(task_id='t', s3_bucket='a', s3_prefix='x/', container_name='c', wasb_conn_id='w')", "OracleToGCSOperator(task_id='u', sql='select 1', bucket='b', filename='o.csv')"),
			"airflow://d/t -> connection://w/c\nairflow://d/u -> gs://b/o.csv\nconnection://oracle_default -> airflow://d/u\ns3://a/x/ -> airflow://d/t"},
		{"what inlets and outlets say", dag("BashOperator(task_id='t', bash_command='x', inlets=[Dataset('s3://a/x')], outlets=Asset(uri='s3://b/y'))"), "airflow://d/t -> s3://b/y\ns3://a/x -> airflow://d/t"},
		{"outlets that are computed", dag("BashOperator(task_id='t', bash_command='x', outlets=all())"), "? f.py:3: airflow://d/t runs a command: which stores that uses, it does not say (inlets and outlets would)\n? f.py:3: the outlets of airflow://d/t are computed"},
		{"sensors and empty tasks move nothing", dag("S3KeySensor(task_id='s', bucket_key='s3://a/x') >> EmptyOperator(task_id='e')"), ""},
		{"teardown", dag("S3CreateObjectOperator(task_id='t', s3_bucket='b', s3_key='k').as_teardown(setups=x)"), "airflow://d/t -> s3://b/k"},
		{"nobody's name is told", dag("S3CreateObjectOperator(task_id='t', s3_bucket='b', s3_key='people/ann@example.com/k')"), "airflow://d/t -> s3://b/people/"},
		{"a password in an address", dag("OurOperator(task_id='t', source='postgresql://u:secret@db.example/crm?x=y', inlets=[Dataset('s3://a/x')])"), "postgres://db.example/crm -> airflow://d/t\ns3://a/x -> airflow://d/t"},
		{"two DAGs", "from airflow import DAG\nwith DAG(dag_id='one'):\n    S3CreateObjectOperator(task_id='t', s3_bucket='b', s3_key='k')\nwith DAG('two', schedule=[Dataset('s3://b/k')]):\n    S3CreateObjectOperator(task_id='t', s3_bucket='c', s3_key='k')\n", "? f.py:4: the DAG two is run when s3://b/k changes: which of its tasks reads that is not said\nairflow://one/t -> s3://b/k\nairflow://two/t -> s3://c/k"},
		{"functions as tasks", "from airflow.decorators import dag, task\n@dag(schedule=None)\ndef nightly():\n    @task(outlets=[Asset('s3://b/y')])\n    def load():\n        pass\n    @task.virtualenv\n    def guess():\n        go()\nnightly()\n", "? f.py:7: airflow://nightly/guess runs a function of Python: which stores that uses, it does not say (inlets and outlets would)\nairflow://nightly/load -> s3://b/y"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Read("f.py", []byte(tt.src))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, said(d)); diff != "" {
				t.Errorf("%s\n%s", tt.src, diff)
			}
		})
	}
}

// What is no definition, or damaged, is an error that quotes nothing of the file.
func TestNoDefinition(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"f.py", "import os\n", ErrOther.Error()},
		{"f.py", "# airflow\nx = 1\n", ErrOther.Error()},
		{"f.py", "", ErrOther.Error()},
		{"f.py", "from airflow import DAG\nx = 'secret\n", "it is damaged: line 2: a text begins there and does not end"},
		{"f.py", "from airflow import DAG\nx = f('secret',\n", "it is damaged: line 3: a bracket is open at the end"},
		{"f.py", "from airflow import DAG\n\x00", "it is no program: it holds bytes of zero"},
		{"f.yaml", "a: b\n", ErrOther.Error()},
		{"f.yaml", "", ErrOther.Error()},
		{"f.yaml", "pipelineInfo: {name: secret\n", "it is damaged: line 1 is no YAML"},
		{"f.yaml", "pipelineInfo: {name: x}\n", ErrOther.Error()},
		{"f.yaml", "pipelineInfo: {}\nroot: {dag: {}}\n", "line 1: the pipeline has no name (pipelineInfo.name)"},
		{"f.yaml", "pipelineInfo: {name: x}\nroot: {}\n", "line 2: the pipeline has no tasks (root.dag)"},
	} {
		if _, err := Read(tt.name, []byte(tt.text)); err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

// What stands where tasks should, and an alias for them, is not taken for none.
func TestKubeflowWithoutTasks(t *testing.T) {
	for _, tasks := range []string{"9e999", "[a, b]", "*x"} {
		d, err := Read("f.yaml", []byte("pipelineInfo: &x {name: p}\nroot: {dag: {tasks: "+tasks+"}}\n"))
		if err != nil || len(d.Unknown) != 1 || d.Unknown[0] != "f.yaml:2: the tasks of kubeflow://p are written in a form that is not read" {
			t.Errorf("%s: %v %+v", tasks, err, d)
		}
	}
}

// A pipeline that holds itself, and artifacts that come by ever more ways, end.
func TestKubeflowHeldInBounds(t *testing.T) {
	self := "pipelineInfo: {name: x}\nroot: {dag: {tasks: {a: {componentRef: {name: c}}}}}\ncomponents: {c: {dag: {tasks: {a: {componentRef: {name: c}}}}}}\n"
	d, err := Read("f.yaml", []byte(self))
	if err != nil || !strings.Contains(said(d), "go deeper than") {
		t.Errorf("%v %s", err, said(d))
	}
	wide := strings.ReplaceAll(self, "tasks: {a: {componentRef: {name: c}}}}}}\n", "outputs: {artifacts: {o: {artifactSelectors: [{producerSubtask: a, outputArtifactKey: o}, {producerSubtask: a, outputArtifactKey: o}]}}}, tasks: {a: {componentRef: {name: c}}, b: {componentRef: {name: c}, inputs: {artifacts: {i: {taskOutputArtifact: {producerTask: a, outputArtifactKey: o}}}}}}}}}\n")
	if d, err = Read("f.yaml", []byte(wide)); err != nil || !strings.Contains(said(d), "too many ways") {
		t.Errorf("%v %.300s", err, said(d))
	}
}

// Calls within calls, and names that stand for one another ever more often, end too.
func TestAirflowHeldInBounds(t *testing.T) {
	deep := "import airflow\nDAG('d')\n" + strings.Repeat("XOperator(task_id='t', x=", 3_000) + strings.Repeat(")", 3_000)
	var names strings.Builder
	names.WriteString("from airflow import DAG\nDAG('d')\na0 = ''\n")
	for i := 1; i < 20; i++ {
		fmt.Fprintf(&names, "a%d = a%d + a%d + a%d\n", i, i-1, i-1, i-1)
	}
	names.WriteString("S3CreateObjectOperator(task_id='t', s3_bucket=a19, s3_key='k')\n")
	for _, src := range []string{deep, names.String()} {
		d, err := Read("f.py", []byte(src))
		if err != nil || !strings.Contains(strings.Join(d.Unknown, "\n"), "too often to be read whole") {
			t.Errorf("%v %.300q", err, d)
		}
	}
}

// Whatever a file holds, reading ends, and says nothing of a place that is not its own.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*")
	for _, name := range files {
		if text, err := os.ReadFile(name); err == nil && Reads(name) {
			f.Add(filepath.Base(name), text)
		}
	}
	f.Add("f.py", []byte(dag("x = f'{a[\"b\"]:{c}}' \\", " + 'y'; OurOperator(a=[*b, {**c, 'd': e}])")))
	f.Add("f.yaml", []byte("pipelineInfo: &a {name: x}\nroot: {dag: {tasks: *a}}\n"))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		d, err := Read(name, text)
		if err != nil {
			if !errors.Is(err, ErrOther) && len(err.Error()) > 200 {
				t.Errorf("a long error: %v", err)
			}
			return
		}
		for _, fl := range d.Flows {
			if fl.From == "" || fl.To == "" || fl.From == fl.To || !strings.Contains(fl.From+fl.To, "://") {
				t.Errorf("%+v", fl)
			}
		}
	})
}

// Each name of the table of operators that move nothing is one of an operator, once, and stands in no
// other table.
func TestSilentOperators(t *testing.T) {
	n := 0
	seen := map[string]bool{}
	for line := range strings.Lines(silentTable) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, name := range strings.Fields(line) {
			n++
			if _, known := operators[name+"Operator"]; known || seen[name] || transfers[name+"Operator"].reads != nil || transfers[name+"Operator"].writes != nil || name[0] < 'A' || name[0] > 'Z' {
				t.Errorf("%s stands twice, or is no name", name)
			}
			seen[name] = true
		}
	}
	if n < 400 {
		t.Errorf("%d names", n)
	}
	for _, name := range []string{"CreateCustomJob", "DataprocSubmitJob", "BigQueryGetData", "CloudDatastoreImportEntities", "BedrockIngestData", "EmrCreateJobFlow", "Python", "DataSync"} {
		if seen[name] {
			t.Errorf("%s moves data, or runs what may", name)
		}
	}
}

// Functions that could use a store are not taken for ones that reckon, however they do.
func TestFunctionsThatMayUseStores(t *testing.T) {
	for name, body := range map[string]string{
		"a call of another": "go()", "a method": "x.to_parquet('s3://a')", "get is requests' too": "return x.get('u')", "an import": "import boto3", "a context": "with x as y:\n            pass",
		"within a text": "return f'{open(x).read()}'", "of what a call gives": "return str(x)(1)", "of a member": "return x['f'](1)", "open": "open('x')", "a decorator": "@go\n        def g():\n            return 1",
		"as a default, later": "return [go(y) for y in x]", "append writes tables": "x.append(1)", "its own name for print": "print = go\n        print(x)",
	} {
		src := "from airflow import DAG\nfrom airflow.decorators import task\nwith DAG('d'):\n    @task\n    def f(x):\n        y = 1\n        " + body + "\n    EmptyOperator(task_id='e')\n"
		d, err := Read("f.py", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Unknown) != 1 || !strings.Contains(d.Unknown[0], "a function of Python") {
			t.Errorf("%s: %q", name, d.Unknown)
		}
	}
	for name, src := range map[string]string{
		"a print of its own":      "from airflow import DAG\ndef print(x):\n    go(x)\nwith DAG('d'):\n    @task\n    def f(x):\n        print(x)\n",
		"or of others":            "from airflow import DAG\nfrom lib import *\nwith DAG('d'):\n    @task\n    def f(x):\n        print(x)\n",
		"a default that asks":     "from airflow import DAG\nwith DAG('d'):\n    @task\n    def f(x=go()):\n        return x\n",
		"a command that it gives": "from airflow import DAG\nwith DAG('d'):\n    @task.bash\n    def f():\n        return 'aws s3 cp s3://a/x s3://b/y'\n",
		"on one line":             "from airflow import DAG\nwith DAG('d'):\n    @task\n    def f(x): return go(x)\n",
	} {
		d, err := Read("f.py", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Unknown) != 1 {
			t.Errorf("%s: %q", name, d.Unknown)
		}
	}
}
