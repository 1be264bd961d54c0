package exposure

import "github.com/sevenfold-sec/sevenfold/steps/network/reach"

// notebooks run whatever they are sent, beside the data.
var notebooks = []Rule{
	{ID: "jupyter", Title: "Notebook server asks nobody to sign in", Systems: []string{"Jupyter"}, Ports: []Port{tcp(8888, "web")},
		PortAt: append(flags("--port", "--ServerApp.port", "--NotebookApp.port"), envs("JUPYTER_PORT")...), Bind: Bind{At: flags("--ip", "--ServerApp.ip", "--NotebookApp.ip")},
		Off:    append(own(values(flags("--NotebookApp.token", "--ServerApp.token", "--LabApp.token", "--IdentityProvider.token"), "")), Setting{Image: "*kubeflownotebookswg/jupyter*"}, Setting{Image: "*/notebook-servers/jupyter*"}),
		Always: append(flags("--NotebookApp.password", "--ServerApp.password", "--LabApp.password", "--PasswordIdentityProvider.hashed_password"), words("jupyterhub-singleuser", "start-singleuser.sh", "start-singleuser.py")...),
		Files:  []string{"*/.jupyter", "/etc/jupyter", "/usr/local/etc/jupyter", "*jupyter_server_config.py", "*jupyter_notebook_config.py"}, FileAt: flags("--config"),
		Default: Yes, Why: "Jupyter makes itself a token unless told not to", Severity: "critical", CWE: missing,
		Source: "https://jupyter-server.readthedocs.io/en/latest/operators/security.html", Control: "k8s-jupyter-without-token"},
	{ID: "jupyterhub", Title: "Notebook hub lets anyone in", Systems: []string{"JupyterHub"}, Ports: []Port{tcp(8000, "proxy"), tcp(8081, "hub")}, Unless: words("jupyterhub-singleuser"),
		Off: values(flags("--JupyterHub.authenticator_class"), "*dummy*", "*nullauth*", "null", "*.null"), On: flags("--JupyterHub.authenticator_class"), Default: Unknown,
		Why: "how people sign in stands in jupyterhub_config.py or the chart's Secret, which are not read", Severity: "critical", CWE: missing,
		Source: "https://jupyterhub.readthedocs.io/en/stable/reference/authenticators.html", Control: "k8s-jupyterhub-anyone"},
	{ID: "code-server", Title: "VS Code in the browser asks nobody to sign in", Systems: []string{"VS Code server"}, Ports: []Port{tcp(8080, "web"), tcp(8443, "web, linuxserver's image"), tcp(3000, "web, OpenVSCode")},
		PortAt: append(flags("--port"), envs("PORT")...), Bind: Bind{At: flags("--bind-addr", "--host")},
		Off: append(values(flags("--auth"), "none"), Setting{Flag: "--without-connection-token", Bare: true, Not: []string{"false"}}, Setting{Image: "*kubeflownotebookswg/codeserver*"}, Setting{Image: "*/notebook-servers/codeserver*"},
			Setting{Image: "*linuxserver/code-server*"}), Always: envs("PASSWORD", "HASHED_PASSWORD", "FILE__PASSWORD", "FILE__HASHED_PASSWORD"), Files: []string{"*/.config/code-server"}, FileAt: flags("--config"), Default: Yes,
		Why: "it asks for a password of its making unless told not to", Severity: "critical", CWE: missing, Source: "https://coder.com/docs/code-server/FAQ"},
	{ID: "rstudio", Title: "RStudio asks nobody to sign in", Systems: []string{"RStudio", "RStudio in a notebook"}, Ports: []Port{tcp(8787, "web")}, PortAt: flags("--www-port"), Bind: Bind{At: flags("--www-address")},
		Off:     append(values(envs("DISABLE_AUTH"), "true"), append(values(flags("--auth-none"), "1"), Setting{Image: "*kubeflownotebookswg/rstudio*"}, Setting{Image: "*/notebook-servers/rstudio*"})...),
		Default: Yes, Why: "it asks for a password unless told not to", Severity: "critical", CWE: missing, Source: "https://rocker-project.org/images/versioned/rstudio.html"},
	{ID: "zeppelin", Title: "Zeppelin runs code for the nameless", Systems: []string{"Zeppelin"}, Ports: []Port{tcp(8080, "web")}, PortAt: envs("ZEPPELIN_PORT"), Bind: Bind{At: envs("ZEPPELIN_ADDR"), Program: "127.0.0.1"},
		Off: values(envs("ZEPPELIN_ALLOW_ANONYMOUS"), "true"), Files: []string{"*/zeppelin/conf", "*/zeppelin*/conf", "*shiro.ini"}, Default: No, Why: "the nameless are let in unless a shiro.ini says otherwise",
		Severity: "critical", CWE: missing, Source: "https://zeppelin.apache.org/docs/latest/setup/security/shiro_authentication.html"},
}

// management are tools that steer, watch and record.
var management = []Rule{
	{ID: "ray-dashboard", Title: "Ray runs jobs for whoever asks", Systems: []string{"Ray"}, Ports: []Port{tcp(8265, "dashboard and jobs")}, PortAt: flags("--dashboard-port"),
		Unless: []Setting{{Flag: "--include-dashboard", Is: []string{"false"}}},
		Bind:   Bind{At: flags("--dashboard-host"), Program: "127.0.0.1", Image: "127.0.0.1"}, On: values(envs("RAY_AUTH_MODE"), "token"), Default: No,
		Why: "the job interface runs any command as the cluster, and RAY_AUTH_MODE is not token", Severity: "high", CVE: []string{"CVE-2023-48022"}, CWE: missing, Source: nvd + "CVE-2023-48022", Control: "k8s-ray-dashboard-open"},
	{ID: "ray-client", Title: "Ray's client port runs code for whoever asks", Systems: []string{"Ray"}, When: []Setting{{Flag: "--head", Bare: true}, {Word: "--head"}}, Ports: []Port{tcp(10001, "client"), tcp(6379, "global control store")},
		PortAt: flags("--ray-client-server-port"), On: values(envs("RAY_AUTH_MODE"), "token"), Default: No, Why: "the head listens for clients and workers on all addresses, and RAY_AUTH_MODE is not token",
		Severity: "high", CWE: missing, Source: "https://docs.ray.io/en/latest/ray-security/index.html"},
	{ID: "mlflow", Title: "Model registry asks nobody to sign in", Systems: []string{"MLflow"}, When: words("server", "ui"), Ports: []Port{tcp(5000, "web and API")}, PortAt: append(flags("--port", "-p"), envs("MLFLOW_PORT")...),
		Bind: Bind{At: append(flags("--host", "-h"), envs("MLFLOW_HOST")...), Program: "127.0.0.1", Image: "127.0.0.1"}, On: values(flags("--app-name"), "basic-auth"), Default: No, Why: "no --app-name=basic-auth is given",
		Severity: "high", CVE: []string{"CVE-2023-1177"}, CWE: missing, Source: "https://mlflow.org/docs/latest/self-hosting/security/basic-http-auth/", Control: "k8s-mlflow-without-auth"},
	{ID: "tensorboard", Title: "TensorBoard listens to everyone", Systems: []string{"TensorBoard"}, When: []Setting{{Flag: "--bind_all", Bare: true, Not: []string{"false"}}, {Flag: "--host", Is: []string{"0.0.0.0", "::"}}},
		Ports: []Port{tcp(6006, "web")}, PortAt: flags("--port"), Default: No, Why: "TensorBoard knows no sign-in", Severity: "low", CWE: missing,
		Source: "https://github.com/tensorflow/tensorboard/blob/master/README.md", Control: "k8s-tensorboard-open"},
	{ID: "kubeflow-dashboard", Title: "Kubeflow's dashboard believes whom callers say they are", Systems: []string{"Kubeflow's dashboard"}, Unless: []Setting{{Image: "*poddefaults*"}}, Ports: []Port{tcp(8082, "web")}, Default: No,
		Why: "it takes the user's name from a header that the gateway sets: whoever reaches it past the gateway sets it himself", Severity: "high", CWE: []string{"CWE-306", "CWE-863"}, Source: "https://www.kubeflow.org/docs/components/central-dash/access/"},
	{ID: "kubeflow-pipelines", Title: "Kubeflow Pipelines runs pipelines for whoever reaches it", Systems: []string{"Kubeflow Pipelines", "Kubeflow Pipelines' front end"}, Ports: []Port{tcp(8888, "HTTP"), tcp(8887, "gRPC"), tcp(3000, "front end")}, Default: No,
		Why: "it takes the user's name from a header that the gateway sets, or asks nobody", Severity: "high", CWE: []string{"CWE-306", "CWE-863"}, Source: "https://www.kubeflow.org/docs/components/pipelines/operator-guides/multi-user/"},
	{ID: "katib", Title: "Katib starts experiments for whoever reaches it", Systems: []string{"Katib"}, Ports: []Port{tcp(8080, "web")}, Default: No, Why: "it takes the user's name from a header that the gateway sets, or asks nobody",
		Severity: "medium", CWE: []string{"CWE-306", "CWE-863"}, Source: "https://www.kubeflow.org/docs/components/katib/user-guides/katib-ui/"},
	{ID: "wandb", Title: "Weights & Biases is reachable", Systems: []string{"Weights & Biases"}, Ports: []Port{tcp(8080, "web")}, Default: Yes, Why: "it demands accounts", Severity: "low", CWE: missing, Source: "https://docs.wandb.ai/platform/hosting/"},
	{ID: "clearml", Title: "ClearML lets anyone in by a name", Systems: []string{"ClearML"}, Ports: []Port{tcp(8080, "web"), tcp(8008, "API"), tcp(8081, "files")}, Files: []string{"/opt/clearml/config", "/opt/trains/config"},
		On: envs("CLEARML__APISERVER__AUTH__FIXED_USERS__ENABLED", "CLEARML__apiserver__auth__fixed_users__enabled"), Default: No, Why: "without fixed users a name is enough to sign in, and the file server asks nobody",
		Severity: "high", CVE: []string{"CVE-2024-24592"}, CWE: missing, Source: nvd + "CVE-2024-24592"},
	{ID: "phoenix", Title: "Store of traces asks nobody to sign in", Systems: []string{"Phoenix"}, Ports: []Port{tcp(6006, "web"), tcp(4317, "OTLP")}, PortAt: envs("PHOENIX_PORT"), Bind: Bind{At: envs("PHOENIX_HOST")},
		On: values(envs("PHOENIX_ENABLE_AUTH"), "true", "1"), Default: No, Why: "PHOENIX_ENABLE_AUTH is off unless set", Severity: "medium", CWE: missing, Source: "https://arize.com/docs/phoenix/deployment/authentication", Control: "k8s-phoenix-without-sign-in"},
	{ID: "dcgm-exporter", Title: "Metrics of the accelerators are open", Systems: []string{"DCGM exporter"}, Ports: []Port{tcp(9400, "metrics")}, PortAt: nil, Bind: Bind{At: append(flags("--address", "-a"), envs("DCGM_EXPORTER_LISTEN")...)},
		FileAt: flags("--web-config-file"), Default: No, Why: "the exporter asks nobody unless a web configuration is given; it tells which pods use which accelerators", Severity: "low", CWE: missing, Source: "https://github.com/NVIDIA/dcgm-exporter"},
}

// pipelines prepare data, train and label.
var pipelines = []Rule{
	{ID: "airflow", Title: "Pipeline scheduler takes orders from anyone", Systems: []string{"Airflow"}, Ports: []Port{tcp(8080, "web and API")}, PortAt: append(flags("--port", "-p"), envs("AIRFLOW__API__PORT", "AIRFLOW__WEBSERVER__WEB_SERVER_PORT")...),
		Unless: words("scheduler", "triggerer", "worker", "dag-processor"),
		Off:    append(values(envs("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"), "true", "1"), values(envs("AIRFLOW__API__AUTH_BACKENDS", "AIRFLOW__API__AUTH_BACKEND"), "*airflow.api.auth.backend.default*")...),
		Files:  []string{"*/webserver_config.py"}, Default: Yes, Why: "it asks for a session or token unless told not to", Severity: "high", CVE: []string{"CVE-2020-13927"}, CWE: missing,
		Source: "https://airflow.apache.org/docs/apache-airflow/stable/security/api.html", Control: "k8s-airflow-without-sign-in"},
	{ID: "argo-server", Title: "Workflow server acts for anyone", Systems: []string{"Argo's server"}, When: words("server"), Ports: []Port{tcp(2746, "web and API")}, PortAt: flags("--port", "-p"),
		Off: values(flags("--auth-mode"), "server"), Default: Yes, Why: "it asks for the caller's own token unless told not to", Severity: "high", CWE: missing, Source: "https://argo-workflows.readthedocs.io/en/latest/argo-server-auth-mode/", Control: "k8s-argo-server-open"},
	{ID: "dask-scheduler", Title: "Dask runs code for whoever asks", Systems: []string{"Dask"}, When: words("dask-scheduler", "scheduler", "*dask_scheduler"), Ports: []Port{tcp(8786, "scheduler"), tcp(8787, "dashboard")}, PortAt: flags("--port"),
		Bind: Bind{At: flags("--host")}, On: append(flags("--tls-cert"), envs("DASK_DISTRIBUTED__COMM__TLS__SCHEDULER__CERT")...), Default: No, Why: "no certificates are set: whoever connects runs code",
		Severity: "high", CVE: []string{"CVE-2021-42343"}, CWE: []string{"CWE-306", "CWE-319"}, Source: "https://distributed.dask.org/en/stable/tls.html", Control: "k8s-dask-scheduler-open"},
	{ID: "spark-master", Title: "Spark runs applications for whoever asks", Systems: []string{"Spark", "Spark's master"}, When: append(values(envs("SPARK_MODE"), "master"), words("start-master.sh", "org.apache.spark.deploy.master.Master", "run.sh")...),
		Ports: []Port{tcp(7077, "master"), tcp(8080, "web"), tcp(6066, "REST")}, PortAt: append(flags("--port"), envs("SPARK_MASTER_PORT")...), Bind: Bind{At: flags("--host")},
		On: append(values(envs("SPARK_RPC_AUTHENTICATION_ENABLED"), "yes", "true"), envs("SPARK_RPC_AUTHENTICATION_SECRET")...), Files: []string{"*/spark/conf", "/opt/bitnami/spark/conf"}, Default: No,
		Why: "spark.authenticate is off unless set", Severity: "critical", CVE: []string{"CVE-2020-9480"}, CWE: missing, Source: "https://spark.apache.org/docs/latest/security.html"},
	{ID: "prefect", Title: "Flow server takes orders from anyone", Systems: []string{"Prefect"}, When: words("server"), Ports: []Port{tcp(4200, "web and API")}, PortAt: append(flags("--port"), envs("PREFECT_SERVER_API_PORT")...),
		Bind: Bind{At: append(flags("--host"), envs("PREFECT_SERVER_API_HOST")...), Program: "127.0.0.1", Image: "127.0.0.1"}, On: envs("PREFECT_SERVER_API_AUTH_STRING"), Default: No, Why: "no PREFECT_SERVER_API_AUTH_STRING is set",
		Severity: "high", CWE: missing, Source: "https://docs.prefect.io/v3/advanced/security-settings", Control: "k8s-prefect-without-password"},
	{ID: "label-studio", Title: "Anyone may sign up to label training data", Systems: []string{"Label Studio"}, Ports: []Port{tcp(8080, "web")}, PortAt: append(flags("--port", "-p"), envs("LABEL_STUDIO_PORT")...),
		On: values(envs("LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK"), "true", "1"), Default: No, Why: "people sign up by themselves unless LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK is set", Severity: "medium", CWE: []string{"CWE-284"},
		Source: "https://labelstud.io/guide/signup", Control: "k8s-label-studio-open-signup"},
	{ID: "minio", Title: "Object store has the credentials of the manual", Systems: []string{"MinIO"}, When: words("server"), Ports: []Port{tcp(9000, "S3"), tcp(9001, "console")}, Bind: Bind{At: flags("--address")}, Decide: minioKeys,
		Severity: "critical", CVE: []string{"CVE-2023-28432"}, CWE: []string{"CWE-1392", "CWE-306"}, Source: "https://docs.min.io/enterprise/aistor-object-store/reference/aistor-server/settings/root-credentials/", Control: "k8s-minio-default-credentials"},
	{ID: "registry", Title: "Image registry takes images from anyone", Systems: []string{"CNCF Distribution"}, Unless: envs("REGISTRY_PROXY_REMOTEURL"), Ports: []Port{tcp(5000, "API")}, Bind: Bind{At: envs("REGISTRY_HTTP_ADDR")},
		On: envs("REGISTRY_AUTH", "REGISTRY_AUTH_HTPASSWD_PATH", "REGISTRY_AUTH_HTPASSWD_REALM", "REGISTRY_AUTH_TOKEN_REALM"), Files: []string{"/etc/docker/registry*", "/etc/distribution*"}, Default: No, Why: "no REGISTRY_AUTH is set",
		Severity: "high", CWE: missing, Source: "https://distribution.github.io/distribution/about/configuration/", Control: "k8s-registry-open"},
}

// minioKeys decides whether the root's credentials are those of the manuals.
func minioKeys(s *Service) (Auth, string) {
	user, pass := envs("MINIO_ROOT_USER", "MINIO_ACCESS_KEY"), envs("MINIO_ROOT_PASSWORD", "MINIO_SECRET_KEY")
	given, why := anyOf(append(append([]Setting{}, user...), envs("MINIO_ROOT_USER_FILE", "MINIO_CONFIG_ENV_FILE")...), s)
	switch given {
	case reach.No:
		return No, "no root user is set: it is minioadmin, and so is the password"
	case reach.Unknown:
		return Unknown, why
	}
	byManual := false
	for _, u := range user {
		v, found, _ := u.find(s)
		byManual = byManual || found && (!v.Known || glob("minioadmin", v.Text) || glob("minio", v.Text))
		if found && !v.Known && v.Text == "" {
			return Yes, "root credentials of its own, from elsewhere"
		}
	}
	if !byManual {
		return Yes, "a root user of its own"
	}
	for _, p := range pass {
		switch v, found, _ := p.find(s); {
		case !found:
		case v.Known && (v.Text == "minioadmin" || v.Text == "minio123"), glob("*masked(default-password,*", v.Text):
			return No, "user and password are those of the manuals"
		case v.Text != "" && !glob("*masked(*", v.Text) && v.Known, glob("*masked(*", v.Text):
			return Yes, "a password of its own"
		}
	}
	return Unknown, "its user is the one of the manuals, and its password is not seen"
}
