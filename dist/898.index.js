const I=898,E=[898],O={8898:((w,p,$)=>{$.d(p,{gitConfiguration:()=>h});var f=$(2875),l=$(1067);function d(s){const e=[s,`${s}:22`,`altssh.${s}`,`altssh.${s}:443`],t=["git@",""],n=["ssh","git+ssh","ssh+git"].flatMap(r=>t.flatMap(i=>e.map(a=>`${r}://${i}${a}/`)));return[...t.flatMap(r=>e.flatMap(i=>{const a=i.includes(":")?`[${r}${i}]`:`${r}${i}`;return[`${a}:`,`${a}:/`]})),...n]}function h(s,{gitUsername:e,secret:t},{paths:n,rewriteSshUrls:o,helper:r,...i}){const a=n.length===0?[""]:n.map(c=>`/${c}`),u=new Map,M=a.flatMap(c=>{const b=(0,l.TT)(`${s.origin}${c.toLowerCase()}`);return r===void 0&&u.set(b.password,t).set(b.login,(0,l.DQ)({gitUsername:e,...i})),(c===""?[""]:(0,f.Hz)(c)).flatMap(k=>g(`${s.origin}${k}`,r??(0,l.IU)(b),k!==""))}),m=n.length===0?[]:[[`lfs.${s.origin}/{}.access`,"basic"]],v=o?a.flatMap(c=>_(s,c)):[];return{entries:[...M,...m,...v],variables:u}}function g(s,e,t){const n=`credential.${s}.helper`;return[[n,""],[n,e],...t?[[`credential.${s}.useHttpPath`,"true"]]:[],[`lfs.${s}.access`,"basic"]]}function _({origin:s,hostname:e},t){const n=t.lastIndexOf("/")>0,o=t===""?[""]:n?(0,f.Hz)(t):(0,f.Hz)(t).map(i=>`${i}/`);return(n?o.flatMap(i=>i.endsWith(".git")?[i]:[`${i}/`]):o).flatMap(i=>d(e).map(a=>{const u=i.replace(/^\//,"");return[`url.${s}/${u}.insteadOf`,`${a}${u}`]}))}}),1067:((w,p,$)=>{$.d(p,{AU:()=>d,DQ:()=>_,IU:()=>s,TT:()=>h});var f=$(7598),l=$(6149);const d=3;function h(e){const[,t]=/^https:\/\/([a-z0-9]+(?:\.[a-z0-9]+)*)$/.exec(e)??[],n=(t??e.replace(/^\w+:\/\//,"")).toUpperCase().replace(/[^A-Z0-9]+/g,"_").replace(/^_|_$/g,""),o=t===void 0?`${n}__${g(e)}`:n;return{password:`BITBUCKET_GIT_PASSWORD_${o}`,login:`BITBUCKET_GIT_LOGIN_${o}`}}const g=e=>(0,f.createHash)("sha256").update(e).digest("hex").slice(0,8).toUpperCase();function _({gitUsername:e,expiresAt:t,run:n}){const o=t===void 0?0:Math.floor(t/1e3),r=t===void 0?"-":new Date(o*1e3).toISOString().replace(".000Z","Z");return[e,o,r,n].join(" ")}function s({password:e,login:t}){const n=Array.from({length:d},(o,r)=>r+1).join(" ");return`!{ set +vx; } 2>/dev/null; f() {
    p=\${${e}-}; o=$1; d=/dev/null/none;
    test -n "$p" || exit 0;
    set -- \${${t}-};
    for t in "\${RUNNER_TEMP-}" "\${TMPDIR-}" /tmp /dev/shm; do
      if test -n "\${4-}" && test -n "$t" && test -d "$t" && test -w "$t"; then
        d=$t/${l.bw}$4-$(id -u); break;
      fi;
    done;
    if test -L "$d" || { test -e "$d" && ! test -O "$d"; }; then d=/dev/null/none; fi;
    case $o in
      get)
        if test -e "$d/${d}"; then
          echo "bitbucket-token: Bitbucket refused this token ${d} times, so git does not get it again.
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
            for n in ${n}; do if (set -C; : >"$d/$n") 2>/dev/null; then break; fi; done;
          fi;
        done ;;
    esac;
  }; f`.replace(/\n\s*/g," ")}})};export{I as id,E as ids,O as modules};
