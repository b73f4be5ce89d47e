import java.io.File;
import org.eclipse.jgit.api.Git;
import org.eclipse.jgit.transport.UsernamePasswordCredentialsProvider;

/** Clones with JGit: Clone URL DIRECTORY ["credentials"]. */
public class Clone {
  public static void main(String[] args) throws Exception {
    var command = Git.cloneRepository().setURI(args[0]).setDirectory(new File(args[1]));
    if (args.length > 2) {
      command.setCredentialsProvider(
          new UsernamePasswordCredentialsProvider(
              System.getenv("BITBUCKET_GIT_USERNAME"), System.getenv("BITBUCKET_ACCESS_TOKEN")));
    }
    command.call().close();
  }
}
