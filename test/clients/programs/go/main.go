// Clones with go-git (clone URL DIRECTORY) or reads a repository with go-bitbucket (rest REPOSITORY). A last argument
// makes it pass the credential. For REST the argument is "token" or "api-token".
package main

import (
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/ktrysmt/go-bitbucket"
)

func main() {
	var err error
	if os.Args[1] == "clone" {
		err = clone(os.Args[2], os.Args[3], len(os.Args) > 4)
	} else {
		err = rest(os.Args[2], os.Args[3:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func clone(address, directory string, given bool) error {
	options := git.CloneOptions{URL: address}
	if given {
		options.Auth = &http.BasicAuth{
			Username: os.Getenv("BITBUCKET_GIT_USERNAME"),
			Password: os.Getenv("BITBUCKET_ACCESS_TOKEN"),
		}
	}
	_, err := git.PlainClone(directory, false, &options)
	return err
}

func rest(repository string, given []string) error {
	token := ""
	if len(given) > 0 {
		token = os.Getenv("BITBUCKET_ACCESS_TOKEN")
	}
	client, err := bitbucket.NewOAuthbearerToken(token)
	if len(given) > 0 && given[0] == "api-token" {
		client, err = bitbucket.NewBasicAuth(os.Getenv("BITBUCKET_EMAIL"), token)
	}
	if err != nil {
		return err
	}
	base, err := url.Parse(os.Getenv("BITBUCKET_API_URL") + "/2.0")
	if err != nil {
		return err
	}
	client.SetApiBaseURL(*base)
	owner, slug, _ := strings.Cut(repository, "/")
	found, err := client.Repositories.Repository.Get(&bitbucket.RepositoryOptions{Owner: owner, RepoSlug: slug})
	if err == nil {
		fmt.Println(found.Full_name)
	}
	return err
}
