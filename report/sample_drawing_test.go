package report

import (
	"fmt"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// sampleDrawing pictures two of harbour's workloads: one small, one of more
// than forty assets.
func sampleDrawing() Drawing {
	return Drawing{"w-eta-train": smallPicture(), "w-eta": bigPicture()}
}

func smallPicture() Picture {
	job := "arn:aws:sagemaker:eu-west-1:210000000001:training-job/eta-2026-11-19"
	role := "arn:aws:iam::210000000001:role/harbour-eta-train"
	admin := "arn:aws:iam::aws:policy/AdministratorAccess"
	raw := "arn:aws:s3:::harbour-manifests-raw"
	out := "arn:aws:s3:::harbour-models"
	book := "arn:aws:sagemaker:eu-west-1:210000000001:notebook-instance/pilot-scratch"
	return Picture{
		Nodes: []PictureNode{
			{ID: job, Name: "eta-2026-11-19", Type: "AWS::SageMaker::TrainingJob", Kind: estate.KindCompute, Root: true, Member: true},
			{ID: book, Name: "pilot-scratch", Type: "AWS::SageMaker::NotebookInstance", Kind: estate.KindCompute, Member: true},
			{ID: role, Name: "harbour-eta-train", Type: "AWS::IAM::Role", Kind: estate.KindIdentity, Member: true},
			{ID: admin, Name: "AdministratorAccess", Type: "AWS::IAM::ManagedPolicy", Kind: estate.KindPolicy, Unread: true},
			{ID: "sg", Name: "sg-0a17 training", Type: "AWS::EC2::SecurityGroup", Kind: estate.KindNetwork},
			{ID: "img", Name: "eta-train:2026.11", Type: "AWS::ECR::Repository", Kind: estate.KindImage},
			{ID: "model", Name: "eta-v7", Type: "AWS::SageMaker::Model", Kind: estate.KindModel, Member: true},
			{ID: raw, Name: "harbour-manifests-raw", Type: "AWS::S3::Bucket", Kind: estate.KindStore},
			{ID: out, Name: "harbour-models", Type: "AWS::S3::Bucket", Kind: estate.KindStore},
			{ID: "key", Name: "7c0f", Type: "AWS::KMS::Key", Kind: estate.KindSecret, Unread: true},
			{ID: "logs", Name: "/aws/sagemaker/TrainingJobs", Type: "AWS::Logs::LogGroup", Kind: estate.KindStore},
		},
		Edges: []PictureEdge{
			{job, role, estate.RunsAs, estate.Declared}, {book, role, estate.RunsAs, estate.Declared},
			{role, admin, estate.Attached, estate.Declared}, {job, "sg", estate.MemberOf, estate.Declared}, {book, "sg", estate.MemberOf, estate.Declared},
			{job, "img", estate.Loads, estate.Declared}, {job, "model", estate.Trains, estate.Declared},
			{job, raw, estate.Reads, estate.Declared}, {book, raw, estate.Reads, estate.Declared}, {book, raw, estate.Writes, estate.Declared},
			{job, out, estate.Writes, estate.Declared}, {"model", out, estate.Loads, estate.Declared}, {out, "key", estate.EncryptsBy, estate.Declared},
			{job, "logs", estate.LogsTo, estate.Declared},
		},
	}
}

func bigPicture() Picture {
	p := Picture{Left: 12}
	add := func(id, typ string, kind estate.Kind, root, member bool) string {
		p.Nodes = append(p.Nodes, PictureNode{ID: id, Name: id, Type: typ, Kind: kind, Root: root, Member: member})
		return id
	}
	edge := func(from, to string, t estate.RelationType) {
		p.Edges = append(p.Edges, PictureEdge{from, to, t, estate.Declared})
	}
	end := add("eta", "AWS::SageMaker::Endpoint", estate.KindEndpoint, true, true)
	conf := add("arn:aws:sagemaker:eu-west-1:210000000002:endpoint-config/eta-v7", "AWS::SageMaker::EndpointConfig", estate.KindCompute, false, true)
	edge(end, conf, estate.Uses)
	for i := range 4 {
		m := add(fmt.Sprintf("eta-variant-%d", i), "AWS::SageMaker::Model", estate.KindModel, false, true)
		edge(conf, m, estate.Serves)
		r := add(fmt.Sprintf("serve-role-%d", i), "AWS::IAM::Role", estate.KindIdentity, false, true)
		edge(m, r, estate.RunsAs)
		for j := range 5 {
			b := add(fmt.Sprintf("bucket-%d-%d", i, j), "AWS::S3::Bucket", estate.KindStore, false, false)
			edge(m, b, estate.Reads)
			if j == 0 {
				edge(end, b, estate.LogsTo)
			}
		}
		for j := range 3 {
			pol := add(fmt.Sprintf("policy-%d-%d", i, j), "AWS::IAM::ManagedPolicy", estate.KindPolicy, false, false)
			edge(r, pol, estate.Attached)
		}
		sn := add(fmt.Sprintf("subnet-%d", i), "AWS::EC2::Subnet", estate.KindNetwork, false, false)
		edge(m, sn, estate.MemberOf)
	}
	raw := add("arn:aws:s3:::harbour-manifests-raw", "AWS::S3::Bucket", estate.KindStore, false, false)
	edge(end, raw, estate.Reads)
	return p
}
