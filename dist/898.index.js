const x=898,E=[898],O={8898:((w,p,a)=>{a.d(p,{gitConfiguration:()=>g});var l=a(2875),u=a(1067);function f(e){const n=`altssh.${e}`,s=["git@",""].flatMap(t=>{const i=[`${t}${e}`,`${t}[${e}]`,`[${t}${e}]`,`[${t}${e}:22]`,`${t}${n}`,`[${t}${n}:443]`],$=[e,`[${e}]`,`${e}:`,`${e}:22`],o=["ssh","git+ssh","ssh+git"].flatMap(r=>[...$,n,`${n}:443`].map(c=>`${r}://${t}${c}/`));return[...i.flatMap(r=>[`${r}:`,`${r}:/`]),...o]});return[...new Set(s)]}function g(e,{gitUsername:n,secret:s},{paths:t,rewriteSshUrls:i,helper:$,...o}){const r=t.length===0?[""]:t.map(d=>`/${d}`),c=new Map,v=r.flatMap(d=>{const b=(0,u.TT)(`${e.origin}${d.toLowerCase()}`);return $===void 0&&c.set(b.password,s).set(b.login,(0,u.DQ)({gitUsername:n,...o})),(d===""?[""]:(0,l.Hz)(d)).flatMap(k=>h(`${e.origin}${k}`,$??(0,u.IU)(b),k!==""))}),M=t.length===0?[]:[[`lfs.${e.origin}/{}.access`,"basic"]],T=i?r.flatMap(d=>_(e,d)):[];return{entries:[...v,...M,...T],variables:c}}function h(e,n,s){const t=`credential.${e}.helper`;return[[t,""],[t,n],...s?[[`credential.${e}.useHttpPath`,"true"]]:[],[`lfs.${e}.access`,"basic"]]}function _({origin:e,hostname:n},s){const t=s.lastIndexOf("/")>0,i=s===""?[""]:t?(0,l.Hz)(s):(0,l.Hz)(s).map(o=>`${o}/`);return(t?i.flatMap(o=>o.endsWith(".git")?[o]:[`${o}/`]):i).flatMap(o=>f(n).map(r=>{const c=o.replace(/^\//,"");return[`url.${e}/${c}.insteadOf`,`${r}${c}`]}))}}),1067:((w,p,a)=>{a.d(p,{AU:()=>f,DQ:()=>_,IU:()=>e,TT:()=>g});var l=a(7598),u=a(6149);const f=3;function g(n){const[,s]=/^https:\/\/([a-z0-9]+(?:\.[a-z0-9]+)*)$/.exec(n)??[],t=(s??n.replace(/^\w+:\/\//,"")).toUpperCase().replace(/[^A-Z0-9]+/g,"_").replace(/^_|_$/g,""),i=s===void 0?`${t}__${h(n)}`:t;return{password:`BITBUCKET_GIT_PASSWORD_${i}`,login:`BITBUCKET_GIT_LOGIN_${i}`}}const h=n=>(0,l.createHash)("sha256").update(n).digest("hex").slice(0,8).toUpperCase();function _({gitUsername:n,expiresAt:s,run:t}){const i=s===void 0?0:Math.floor(s/1e3),$=s===void 0?"-":new Date(i*1e3).toISOString().replace(".000Z","Z");return[n,i,$,t].join(" ")}function e({password:n,login:s}){const t=Array.from({length:f},(i,$)=>$+1).join(" ");return`!{ set +vx; } 2>/dev/null; f() {
    p=\${${n}-}; o=$1; d=/dev/null/none;
    test -n "$p" || exit 0;
    set -- \${${s}-};
    for t in "\${RUNNER_TEMP-}" "\${TMPDIR-}" /tmp /dev/shm; do
      if test -n "\${4-}" && test -n "$t" && test -d "$t" && test -w "$t"; then
        d=$t/${u.bw}$4-$(id -u); break;
      fi;
    done;
    if test -L "$d" || { test -e "$d" && ! test -O "$d"; }; then d=/dev/null/none; fi;
    case $o in
      get)
        if test -e "$d/${f}"; then
          echo "bitbucket-token: Bitbucket refused this token ${f} times, so git does not get it again.
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
            for n in ${t}; do if (set -C; : >"$d/$n") 2>/dev/null; then break; fi; done;
          fi;
        done ;;
    esac;
  }; f`.replace(/\n\s*/g," ")}})};export{x as id,E as ids,O as modules};
