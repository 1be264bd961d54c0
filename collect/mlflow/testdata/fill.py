# Fills an MLflow server whose address is given with the models of the tests.
import mlflow, sys
from mlflow.tracking import MlflowClient
mlflow.set_tracking_uri(sys.argv[1])
c=MlflowClient()
exp=c.create_experiment("e1", artifact_location="s3://models/mlflow")
run=c.create_run(exp)
src=run.info.artifact_uri+"/model"
c.create_registered_model("fraud")
for i in range(5):
    c.create_model_version("fraud", src+str(i), run.info.run_id)
c.set_registered_model_alias("fraud","champion","1")
c.set_model_version_tag("fraud","2","validation_status","approved")
c.set_model_version_tag("fraud","3","validation_status","rejected")
c.transition_model_version_stage("fraud","4","Archived")
c.create_registered_model("odd name é")
c.create_model_version("odd name é", "s3://models/odd")
c.transition_model_version_stage("odd name é","1","Production")
