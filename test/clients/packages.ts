/** The files that make the sandbox's repository a package for each package manager, without dependencies. */
export const packages: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "hello", "version": "1.0.0" }\n',
  'go.mod': 'module bitbucket.org/acme/website\n',
  'hello.go': 'package website\n',
  'Cargo.toml': '[package]\nname = "hello"\nversion = "1.0.0"\nedition = "2021"\n',
  'src/lib.rs': '',
  'composer.json': '{ "name": "sandbox/hello" }\n',
  'outputs.tf': 'output "hello" {\n  value = "hello"\n}\n',
  'hello.py': 'greeting = "hello"\n',
  'pyproject.toml': `[project]
name = "hello"
version = "1.0.0"

[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
`,
  // Its own build backend, because any other would come from a registry.
  'backend.py': `import zipfile

metadata = "Metadata-Version: 2.1\\nName: hello\\nVersion: 1.0.0\\n"
wheel = "Wheel-Version: 1.0\\nGenerator: backend\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"


def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "hello-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as archive:
        archive.write("hello.py")
        archive.writestr("hello-1.0.0.dist-info/METADATA", metadata)
        archive.writestr("hello-1.0.0.dist-info/WHEEL", wheel)
        archive.writestr("hello-1.0.0.dist-info/RECORD", "")
    return name
`,
}
