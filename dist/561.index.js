const S=561,E=[561],H={178:((O,h,c)=>{c.d(h,{gitConfiguration:()=>m});var f=c(2875),g=c(7598),d=c(8770);function b(t){const[,s]=/^https:\/\/([a-z0-9]+(?:\.[a-z0-9]+)*)$/.exec(t)??[],e=(s??t.replace(/^\w+:\/\//,"")).toUpperCase().replace(/[^A-Z0-9]+/g,"_").replace(/^_|_$/g,""),n=s===void 0?`${e}__${k(t)}`:e;return{password:`BITBUCKET_GIT_PASSWORD_${n}`,login:`BITBUCKET_GIT_LOGIN_${n}`}}const k=t=>(0,g.createHash)("sha256").update(t).digest("hex").slice(0,8).toUpperCase();function w({gitUsername:t,expiresAt:s,run:e}){const n=s===void 0?0:Math.floor(s/1e3),o=s===void 0?"-":new Date(n*1e3).toISOString().replace(".000Z","Z");return[t,n,o,e].join(" ")}function _({password:t,login:s}){const e=Array.from({length:d.A},(n,o)=>o+1).join(" ");return`!{ set +vx; } 2>/dev/null; f() {
    p=\${${t}-}; o=$1; d=/dev/null/none;
    test -n "$p" || exit 0;
    set -- \${${s}-};
    for t in "\${RUNNER_TEMP-}" "\${TMPDIR-}" /tmp /dev/shm; do
      if test -n "\${4-}" && test -n "$t" && test -d "$t" && test -w "$t"; then
        d=$t/${d.b}$4-$(id -u); break;
      fi;
    done;
    if test -L "$d" || { test -e "$d" && ! test -O "$d"; }; then d=/dev/null/none; fi;
    case $o in
      get)
        if test -e "$d/${d.A}"; then
          echo "bitbucket-token: Bitbucket refused this token ${d.A} times, so git does not get it again.
            Run bitbucket-token check to find out why, then run bitbucket-token again." >&2;
          echo quit=1;
        elif test "\${2:-0}" != 0 && test "$(date +%s)" -ge "$2" 2>/dev/null; then
          echo "bitbucket-token: the token expired at $3; run bitbucket-token again" >&2;
          echo quit=1;
        else
          printf "username=%s\\npassword=%s\\n" "\${1:-x-token-auth}" "$p";
          if test "\${2:-0}" != 0; then printf "password_expiry_utc=%s\\n" "$2"; fi;
        fi ;;
      store)
        if test -d "$d"; then rm -rf "$d"; fi ;;
      erase)
        while IFS= read -r l; do
          if test "$l" = "password=$p"; then
            mkdir -m 700 "$d" 2>/dev/null || :;
            for n in ${e}; do if (set -C; : >"$d/$n") 2>/dev/null; then break; fi; done;
          fi;
        done ;;
    esac;
  }; f`.replace(/\n\s*/g," ")}function v(t){const s=[t,`${t}:22`,`altssh.${t}`,`altssh.${t}:443`],e=["git@",""],n=["ssh","git+ssh","ssh+git"].flatMap(a=>e.flatMap(i=>s.map(r=>`${a}://${i}${r}/`)));return[...e.flatMap(a=>s.flatMap(i=>{const r=i.includes(":")?`[${a}${i}]`:`${a}${i}`;return[`${r}:`,`${r}:/`]})),...n]}function m(t,{gitUsername:s,secret:e},{paths:n,rewriteSshUrls:o,...a}){const i=n.length===0?[""]:n.map($=>`/${$}`),r=new Map,l=i.flatMap($=>{const u=b(`${t.origin}${$.toLowerCase()}`);return r.set(u.password,e).set(u.login,w({gitUsername:s,...a})),($===""?[""]:(0,f.Hz)($)).flatMap(p=>M(`${t.origin}${p}`,_(u),p!==""))}),I=n.length===0?[]:[[`lfs.${t.origin}/{}.access`,"basic"]],C=o?i.flatMap($=>x(t,$)):[];return{entries:[...l,...I,...C],variables:r}}function M(t,s,e){const n=`credential.${t}.helper`;return[[n,""],[n,s],...e?[[`credential.${t}.useHttpPath`,"true"]]:[],[`lfs.${t}.access`,"basic"]]}function x({origin:t,hostname:s},e){const n=e.lastIndexOf("/")>0,o=e===""?[""]:n?(0,f.Hz)(e):(0,f.Hz)(e).map(i=>`${i}/`);return(n?o.flatMap(i=>i.endsWith(".git")?[i]:[`${i}/`]):o).flatMap(i=>v(s).map(r=>{const l=i.replace(/^\//,"");return[`url.${t}/${l}.insteadOf`,`${r}${l}`]}))}})};export{S as id,E as ids,H as modules};
