export const id=508,ids=[508],modules={8508:((d,o,s)=>{s.r(o),s.d(o,{version:()=>n});const n="1.0.0"})};
